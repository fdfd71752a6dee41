import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOf, readReports } from './formats.ts';

const read = (type: string, ...texts: string[]) =>
  readReports(
    formatOf(type)!,
    texts.map((text, index) => ({ path: `${index + 1}.xml`, text })),
  );

test('JUnit: tests of all suites and files are counted, and those that failed are named with the reason', () => {
  const found = read(
    'JUnit',
    `<testsuites><testsuite name="s"><testcase classname="A" name="x" time="1.25"/>
     <testcase classname="A" name="y"><failure message="1 is not 2">at line 3</failure></testcase></testsuite></testsuites>`,
    '<testsuite><testcase name="z"><error>boom\nat q</error></testcase><testcase name="w"><skipped/></testcase></testsuite>',
  );

  assert.deepEqual(found, {
    figures: {
      tests: 4,
      failures: 1,
      errors: 1,
      skipped: 1,
      seconds: 1.25,
      failed: [
        { name: 'A.y', message: '1 is not 2' },
        { name: 'z', message: 'boom' },
      ],
    },
    sentence: '4 tests, 2 failed (A.y, z)',
  });
});

test('JaCoCo: the counters of the whole report count, not those of its packages', () => {
  const found = read(
    'jacoco',
    `<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">
     <report name="x"><package name="p"><counter type="LINE" missed="9" covered="1"/></package>
     <counter type="LINE" missed="1" covered="2"/><counter type="BRANCH" missed="1" covered="1"/></report>`,
  );

  assert.ok('figures' in found);
  assert.deepEqual(found.figures.line, { covered: 2, missed: 1, percent: 66.7 });
  assert.deepEqual(found.figures.class, { covered: 0, missed: 0, percent: null });
  assert.equal(found.sentence, '66.7 % of lines covered');
});

test('Checkstyle: findings are counted by severity, and named with file and line', () => {
  const found = read(
    'CHECKSTYLE',
    `<checkstyle><file name="A.java"><error line="3" severity="warning" message="Too long"/><error line="4" severity="error" message="Bad"/></file>
     <file name="B.java"/></checkstyle>`,
  );

  assert.deepEqual(found, {
    figures: {
      files: 2,
      errors: 1,
      warnings: 1,
      infos: 0,
      found: [
        { severity: 'warning', file: 'A.java', line: 3, message: 'Too long' },
        { severity: 'error', file: 'A.java', line: 4, message: 'Bad' },
      ],
    },
    sentence: '1 error, 1 warning',
  });
});

test('FindBugs, and SpotBugs after it: bugs are counted by priority, and named with their place', () => {
  const found = read(
    'SpotBugs',
    `<BugCollection><BugInstance type="NP_NULL" priority="1" category="CORRECTNESS"><Class><SourceLine classname="A"/></Class></BugInstance>
     <BugInstance type="DLS" priority="5" category="STYLE"><SourceLine sourcepath="A.java" start="7"/></BugInstance></BugCollection>`,
  );

  assert.deepEqual(found, {
    figures: {
      bugs: 2,
      high: 1,
      normal: 0,
      low: 1,
      found: [
        { priority: 'high', type: 'NP_NULL', category: 'CORRECTNESS', where: 'A' },
        { priority: 'low', type: 'DLS', category: 'STYLE', where: 'A.java:7' },
      ],
    },
    sentence: '2 bugs, 1 of high priority',
  });
});

test('a report that is broken, or of something else, is refused with its file and place', () => {
  assert.match(
    JSON.stringify(read('JUnit', '<testsuite/>', '<testsuite>\n<a></testsuite>')),
    /"2.xml:2:\d+: Unexpected/,
  );
  assert.deepEqual(read('JUnit', '<html/>'), { error: '1.xml is no report of JUnit: its root is <html>' });
});
