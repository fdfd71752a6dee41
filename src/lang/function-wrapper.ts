import { isObject, type Json, type JsonObject, parseJson } from '../core/json.ts';

export type Runtime = 'nodejs' | 'python';

interface FunctionSource {
  runtime: Runtime;
  source: string;
  /** `handler`, or `file.handler` where only the last part counts for inline sources. */
  entrypoint: string;
  inputs: JsonObject;
  secrets: Record<string, string>;
  /** Where relative addresses of `context.request` lead. */
  url: string;
  /** Signs calls to that address, and to no other. */
  token: string;
}

/**
 * The files and the command that call `handler(context, inputs)` as the original does. Inputs and secrets go in by a file, never
 * by the command line; the outputs come back by `result.json`; what is printed is the log.
 */
export function functionJob({
  runtime,
  source,
  entrypoint,
  inputs,
  secrets,
  url,
  token,
}: FunctionSource): { command: string[]; files: Record<string, string> } | { refused: string } {
  const handler = entrypoint.split('.').at(-1) || 'handler';
  const input = JSON.stringify({ inputs: withOpaqueSecrets(inputs), secrets, url, token, handler });
  if (/^node/i.test(runtime)) {
    return {
      command: ['node', 'run.cjs'],
      files: { 'function.cjs': source, 'run.cjs': nodeWrapper, 'input.json': input },
    };
  }
  if (/^python/i.test(runtime)) {
    return {
      command: ['python3', '-B', 'run.py'],
      files: { 'function_source.py': source, 'run.py': pythonWrapper, 'input.json': input },
    };
  }
  return { refused: `The runtime ${runtime} is not supported; nodejs and python are.` };
}

/** An input `secret:NAME` is seen as NAME, whose value `context.getSecret` opens. */
function withOpaqueSecrets(inputs: JsonObject): JsonObject {
  const opaque = Object.keys(inputs).flatMap((key) => {
    const name = /^p?secret:(.+)$/.exec(key)?.[1];
    return name === undefined ? [] : [[name, `secret:${name}`]];
  });
  return { ...inputs, ...Object.fromEntries(opaque) };
}

/** What a wrapper left behind: outputs, or the error that the handler threw. */
export function readResult(text: string | undefined): { outputs: Json } | { error: string } {
  const result = text === undefined ? undefined : parseJson(text);
  if (!isObject(result)) return { error: 'The function left no result.' };
  return typeof result.error === 'string' ? { error: result.error } : { outputs: result.outputs ?? {} };
}

const nodeWrapper = `
const fs = require('node:fs');
const { inputs, secrets, url, token, handler } = JSON.parse(fs.readFileSync('input.json', 'utf8'));
fs.unlinkSync('input.json');
const finish = (result, code) => { fs.writeFileSync('result.tmp', JSON.stringify(result)); fs.renameSync('result.tmp', 'result.json'); process.exit(code); };
const fail = (error) => { console.error(error && error.stack || String(error)); finish({ error: String(error && error.message || error) }, 1); };
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
const context = {
  getSecret: (value) => secrets[String(value).replace(/^p?secret:/, '')] ?? value,
  request(path, method, body, callback) {
    const target = new URL(path, url);
    const headers = { 'content-type': 'application/json', ...(target.origin === new URL(url).origin ? { authorization: 'Bearer ' + token } : {}) };
    const done = fetch(target, { method: method || 'GET', body: body === '' || body == null ? undefined : typeof body === 'string' ? body : JSON.stringify(body), headers })
      .then(async (answer) => ({ status: answer.status, headers: Object.fromEntries(answer.headers), content: await answer.text() }));
    if (typeof callback === 'function') done.then((answer) => callback(null, answer), callback);
    return done;
  },
};
(async () => {
  const called = require('./function.cjs')[handler];
  if (typeof called !== 'function') throw new Error('The source exports no function ' + handler + '.');
  if (called.length >= 3) return new Promise((resolve, reject) => called(context, inputs, (error, outputs) => error ? reject(error) : resolve(outputs)));
  return called(context, inputs);
})().then((outputs) => finish({ outputs: outputs ?? {} }, 0), fail);
`;

const pythonWrapper = `
import json, os, sys, traceback, urllib.request, urllib.parse, urllib.error
sys.path.insert(0, os.getcwd())
with open('input.json') as file:
    given = json.load(file)
os.unlink('input.json')

def finish(result, code):
    with open('result.tmp', 'w') as file:
        json.dump(result, file)
    os.rename('result.tmp', 'result.json')
    sys.stdout.flush()
    sys.exit(code)

class Context:
    def getSecret(self, value):
        name = str(value)
        for prefix in ('psecret:', 'secret:'):
            if name.startswith(prefix):
                name = name[len(prefix):]
        return given['secrets'].get(name, value)

    def request(self, url, method='GET', body=None, headers=None, **_):
        data = None if body in (None, '') else (body if isinstance(body, str) else json.dumps(body)).encode()
        target = urllib.parse.urljoin(given['url'], url)
        own = urllib.parse.urlsplit(target)[:2] == urllib.parse.urlsplit(given['url'])[:2]
        signed = {'authorization': 'Bearer ' + given['token']} if own else {}
        request = urllib.request.Request(target, data=data, method=method, headers={'content-type': 'application/json', **signed, **(headers or {})})
        try:
            with urllib.request.urlopen(request) as answer:
                return {'status': answer.status, 'headers': dict(answer.headers), 'content': answer.read()}
        except urllib.error.HTTPError as error:
            return {'status': error.code, 'headers': dict(error.headers), 'content': error.read()}

try:
    import function_source
    outputs = getattr(function_source, given['handler'])(Context(), given['inputs'])
    finish({'outputs': {} if outputs is None else outputs}, 0)
except SystemExit:
    raise
except BaseException as error:
    traceback.print_exc()
    finish({'error': str(error) or type(error).__name__}, 1)
`;
