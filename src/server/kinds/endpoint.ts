import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { maskedValue } from '../../core/secret.ts';
import { isSealed } from '../../store/seal.ts';
import { common, flagOf, type Kind, type KindParts, sealed } from './kind.ts';

export function endpointKind(parts: KindParts): Kind {
  const types = parts.catalogue.endpoints.map(({ type }) => type);
  return {
    kind: 'endpoint',
    path: 'endpoints',
    accept(body, before) {
      const type = String(body.type ?? '')
        .split(':')
        .at(-1)!;
      if (!types.includes(type)) {
        throw new MillraceError('definition.invalid', {
          message: `Endpoint ${String(body.name)} has the unknown type ${type}.`,
          hint: `Known types: ${types.join(', ')}.`,
        });
      }
      const old = isObject(before?.body.properties) ? before.body.properties : {};
      const properties = Object.entries(isObject(body.properties) ? body.properties : {}).map(([key, value]) => {
        const isBinding = typeof value === 'string' && value.includes('${');
        const isSecret = parts.secretProperties.includes(key) && !isBinding && value !== '' && value !== null;
        return [key, isSecret ? sealed(parts, value, old[key]) : value];
      });
      return {
        type,
        description: String(body.description ?? ''),
        isRestricted: flagOf(body.isRestricted) ?? false,
        cloudProxyId: String(body.cloudProxyId ?? ''),
        properties: Object.fromEntries(properties) as JsonObject,
      };
    },
    show(document) {
      const properties = Object.entries(isObject(document.body.properties) ? document.body.properties : {}).map(
        ([key, value]) => [key, isSealed(value) ? maskedValue : value],
      );
      return {
        ...document.body,
        ...common(document, 'endpoints'),
        isLocked: false,
        validationOutput: '',
        properties: Object.fromEntries(properties) as JsonObject,
      };
    },
  };
}
