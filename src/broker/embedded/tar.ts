const BLOCK = 512;
const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;
const KIND = [156, 157] as const;
/** A plain file: `0`, or empty in old archives. */
const FILE: ReadonlySet<string> = new Set(['0', '']);

/** The bytes of the first plain file with that name, in any folder, of a tar archive (POSIX ustar). */
export function fileInTar(archive: Buffer, name: string): Buffer | undefined {
  for (let at = 0; at + BLOCK <= archive.byteLength; ) {
    const text = ([from, to]: readonly [number, number]): string =>
      archive.toString('latin1', at + from, at + to).replace(/[\0 ]+$/, '');
    const size = Number.parseInt(text(SIZE) || '0', 8);
    if (!Number.isFinite(size)) return undefined;
    const from = at + BLOCK;
    const path = text(NAME);
    if (FILE.has(text(KIND)) && path.split('/').at(-1) === name) {
      return from + size <= archive.byteLength ? archive.subarray(from, from + size) : undefined;
    }
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
