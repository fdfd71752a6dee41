import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignSecrets } from './foreign-secrets.ts';
import { parseYaml } from './yaml.ts';

const found = (text: string) =>
  parseYaml(text)
    .documents.flatMap(foreignSecrets)
    .map(({ message, line, column }) => `${line}:${column} ${/`(.*)`/.exec(message)?.[1]}`);

test('each secret of another server is named with its place, and nothing else', () => {
  assert.deepEqual(
    found(
      "a:\n  password: s2enc~b64==\n  list:\n  - '********'\n  - https://hooks.example/REDACTED\n  plain: no secret, **bold** and unredacted\nb: 1\n",
    ),
    ['2:13 a.password', '4:5 a.list.0', '5:5 a.list.1'],
  );
});
