import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descendants, parseXml, XmlError } from './xml.ts';

const fault = (text: string): string => {
  try {
    parseXml(text);
  } catch (thrown) {
    assert.ok(thrown instanceof XmlError, String(thrown));
    return `${thrown.line}:${thrown.column}: ${thrown.message}`;
  }
  return 'none';
};

test('elements hold their attributes, children and text', () => {
  const root = parseXml('\uFEFF<?xml version="1.0"?>\n<a x="1 &amp; 2"><b>one <![CDATA[<two>]]></b><c><b/></c></a>');

  assert.deepEqual([root.name, root.attributes, root.children[0]?.text], ['a', { x: '1 & 2' }, 'one <two>']);
  assert.deepEqual(
    descendants(root, 'b').map(({ text }) => text),
    ['one <two>', ''],
  );
});

test('what is no XML is refused with its place', () => {
  assert.match(fault('<a>\n  <b></a>'), /^2:\d+: Unexpected close tag$/);
  assert.match(fault('<a x=1/>'), /^1:\d+: Unquoted attribute value$/);
  assert.match(fault('hello'), /^1:\d+: /);
  assert.match(fault(''), /There is no element/);
  assert.match(fault('<a>'), /Unclosed root tag/);
});

test('a document cannot define entities that grow, nor nest without end', () => {
  assert.match(fault('<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">]><a>&x;</a>'), /Invalid character entity/);
  assert.match(fault('<a>'.repeat(10_000)), /nested deeper than 200/);
});
