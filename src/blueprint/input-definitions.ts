import { nearest } from '../core/diagnostic.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { patternFault } from '../lang/java.ts';
import type { Reader } from '../lang/reader.ts';
import type { Path } from '../lang/yaml.ts';
import { inputFault } from './inputs.ts';

const types = ['string', 'integer', 'number', 'boolean', 'object', 'array'];
/** What is looked up elsewhere when the form is shown cannot be held against anything here. */
const lookedUp = ['$data', '$dynamicEnum', '$dynamicDefault', '$ref'];

/** What looks wrong about the definition of an input, also inside of lists and maps. */
export function checkInputDefinition(reader: Reader, name: string, definition: JsonObject, path: Path): void {
  const { report } = reader;
  const { type, default: preset, pattern, items, properties } = definition;
  const warn = (code: 'input.definition' | 'input.default', message: string, key: string, hint?: string) =>
    report('warning', code, `Input ${name}: ${message}`, [...path, key], hint);
  if (typeof type === 'string' && !types.includes(type)) {
    const close = nearest(type, types);
    const hint = close ? `Did you mean ${close}?` : `One of ${types.join(', ')}.`;
    warn('input.definition', `\`type: ${type}\` is none, and is taken for string.`, 'type', hint);
  }
  if (typeof pattern === 'string' && patternFault(pattern))
    warn('input.definition', `its pattern cannot be used: ${patternFault(pattern)}`, 'pattern');
  if (definition.encrypted === true && preset !== undefined && preset !== '')
    warn('input.default', 'it is encrypted, and its default stands here for everybody to read.', 'default');
  const isOpen = lookedUp.some((key) => definition[key] !== undefined);
  if (preset !== undefined && preset !== null && !isOpen && !JSON.stringify(preset).includes('${')) {
    const fault = inputFault(preset, definition);
    // An empty text is how forms say that there is none.
    if (fault && preset !== '') warn('input.default', `its default is refused: ${fault}`, 'default');
  }
  if (isObject(items)) checkInputDefinition(reader, `${name}[]`, items, [...path, 'items']);
  for (const [key, inner] of Object.entries(isObject(properties) ? properties : {}))
    if (isObject(inner)) checkInputDefinition(reader, `${name}.${key}`, inner, [...path, 'properties', key]);
}
