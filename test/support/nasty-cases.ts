import cases from '../corpora/nasty.json' with { type: 'json' };

/** Byte-level cases for an MLLP port. */
export interface NastyCase {
  readonly name: string;
  /** What is written to the socket, chunk by chunk. */
  readonly chunks: readonly Buffer[];
}

type Written = string | { readonly fill: string; readonly bytes: number };

/** A nasty case by its name. */
export function nastyCase(name: string): NastyCase {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no nasty case ${name}`);
  return { name, chunks: (found.chunks as readonly Written[]).map(bytesOf) };
}

/** The names of all cases, in the order of the corpus. */
export function nastyNames(): string[] {
  return cases.map(({ name }) => name);
}

function bytesOf(written: Written): Buffer {
  return typeof written === 'string'
    ? Buffer.from(written, 'base64')
    : Buffer.alloc(written.bytes, written.fill, 'latin1');
}
