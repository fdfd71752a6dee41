const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text as it stands in HTML and XML. */
export const escapeHtml = (plain: string): string => plain.replace(/[&<>"]/g, (sign) => escapes[sign]!);

/** The other way round. */
export const unescapeHtml = (escaped: string): string =>
  escaped.replace(/&(amp|lt|gt|quot);/g, (sign) => Object.keys(escapes).find((key) => escapes[key] === sign)!);
