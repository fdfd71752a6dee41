/** The words of what may be HTML: nothing in it is run or loaded. */
export const plain = (text: string): string =>
  /<\w/.test(text) ? (new DOMParser().parseFromString(text, 'text/html').body.textContent ?? '') : text;
