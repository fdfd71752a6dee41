import sax from 'sax';

/** An element with everything in it; `text` is its own, trimmed. */
export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  text: string;
}

/** Where a text stops being XML, from 1. */
export class XmlError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** Deeper than any report, and shallow enough for whoever walks the tree. */
const mostDepth = 200;

/** The root of a document. Entities of its own are not known, so none can grow. @throws XmlError */
export function parseXml(text: string): XmlElement {
  const parser = sax.parser(true, { position: true });
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open: XmlElement[] = [root];
  const refuse = (message: string): never => {
    throw new XmlError(message, parser.line + 1, parser.column + 1);
  };
  parser.onerror = ({ message }) => refuse(message.split('\n')[0]!.replace(/\.$/, ''));
  parser.onopentag = ({ name, attributes }) => {
    const element = { name, attributes: attributes as Record<string, string>, children: [], text: '' };
    if (open.length > mostDepth) refuse(`Elements are nested deeper than ${mostDepth}`);
    open.at(-1)!.children.push(element);
    open.push(element);
  };
  const add = (more: string) => {
    open.at(-1)!.text += more;
  };
  parser.ontext = add;
  parser.oncdata = add;
  parser.onclosetag = () => {
    const closed = open.pop()!;
    closed.text = closed.text.trim();
  };
  parser.write(text.replace(/^\uFEFF/, '')).close();
  return root.children[0] ?? refuse('There is no element');
}

/** All elements of a name below one, in the order of the text. */
export function descendants(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...descendants(child, name)]);
}
