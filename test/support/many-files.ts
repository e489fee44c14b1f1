import type { Content } from './killed-service.ts';

/** Files that arrive one after another, with names in order; every fifth contains several HL7 messages. */
export interface ManyFiles {
  /** The messages of all of them. */
  readonly expected: readonly string[];
  /** Adds the next file; resolves to how many messages it has, 0 after the last one. */
  readonly put: () => Promise<number>;
  /** The same with their bodies. */
  readonly contents: readonly Content[];
  /** The content of each, by name. */
  readonly files: ReadonlyMap<string, string>;
}

const MESSAGES = 3;

export function manyFiles(
  count: number,
  put: (name: string, content: string) => Promise<void>,
): ManyFiles {
  const files = Array.from({ length: count }, (_, number) => fileOf(number));
  const parts = files.flatMap(({ parts: all }) => all);
  const coming = files.values();
  return {
    expected: parts.map(({ id }) => id),
    async put() {
      const { value: next } = coming.next();
      if (next === undefined) return 0;
      await put(next.name, contentOf(next.parts));
      return next.parts.length;
    },
    contents: parts,
    files: new Map(files.map(({ name, parts: all }) => [name, contentOf(all)])),
  };
}

const contentOf = (parts: readonly Content[]): string => parts.map(({ body }) => body).join('');

function fileOf(number: number): { readonly name: string; readonly parts: readonly Content[] } {
  const name = `f${String(number).padStart(4, '0')}`;
  if (number % 5 !== 4) {
    return { name: `${name}.txt`, parts: [{ id: `${name}.txt`, body: `content of ${name}` }] };
  }
  const parts = Array.from({ length: MESSAGES }, (_, index) => {
    const id = `${name}-${index}`;
    return { id, body: `MSH|^~\\&|A|B|C|D|2026||ADT^A01|${id}|P|2.5\rPID|1\r` };
  });
  return { name: `${name}.hl7`, parts };
}
