import { MillraceError } from '../../core/error.ts';
import { maskedValue } from '../../core/secret.ts';
import { common, type Kind, type KindParts, sealed } from './kind.ts';

export function variableKind(parts: KindParts): Kind {
  return {
    kind: 'variable',
    path: 'variables',
    accept(body, before) {
      const type = String(body.type ?? 'REGULAR').toUpperCase();
      if (!['REGULAR', 'SECRET', 'RESTRICTED'].includes(type)) {
        throw new MillraceError('definition.invalid', {
          message: `Variable ${String(body.name)} has the unknown type ${type}.`,
          hint: 'REGULAR, SECRET or RESTRICTED.',
        });
      }
      const value = type === 'REGULAR' ? String(body.value ?? '') : sealed(parts, body.value, before?.body.value);
      return { type, value, description: String(body.description ?? '') };
    },
    show: (document) => ({
      ...document.body,
      ...common(document, 'variables'),
      value: document.body.type === 'REGULAR' ? document.body.value! : maskedValue,
    }),
  };
}
