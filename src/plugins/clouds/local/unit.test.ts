import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUnit } from './unit.ts';

test('a unit says what to run, where, and with what', () => {
  assert.deepEqual(
    readUnit(
      '[Unit]\nDescription=Tito\n# a comment\n[Service]\nWorkingDirectory=/opt/tito\nEnvironment=PORT=8080 "NAME=two words"\nEnvironment=A=b=c \'B=c="d"\'\nExecStart=-/usr/bin/node web.mjs\nRestart=on-failure\n[Install]\nWantedBy=multi-user.target\n',
    ),
    {
      command: '/usr/bin/node web.mjs',
      directory: '/opt/tito',
      environment: { PORT: '8080', NAME: 'two words', A: 'b=c', B: 'c="d"' },
      restart: true,
    },
  );
});

test('what plain processes cannot honour is refused with its line', () => {
  assert.throws(
    () => readUnit('[Service]\nExecStart=/bin/true\nPrivateTmp=yes\n'),
    /line 3: `PrivateTmp=yes` is not possible here/,
  );
  assert.throws(() => readUnit('[Service]\nWorkingDirectory=/\n'), /no ExecStart/);
});
