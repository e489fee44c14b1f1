/** How much of the end of a command's error output is kept. */
const TAIL = 4_096;

/** The beginning of a command's output, up to a limit. */
export class Output {
  readonly #limit: number;
  readonly #parts: Buffer[] = [];
  #size = 0;
  /** Whether something was left out. */
  cut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const room = this.#limit - this.#size;
    if (chunk.length > room) this.cut = true;
    const kept = chunk.subarray(0, room);
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#size += kept.length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** The end of a text, from the beginning of a line if possible. */
export class Tail {
  #bytes = Buffer.alloc(0);
  #cut = false;

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.#bytes, chunk.subarray(-TAIL)]);
    this.#cut ||= all.length > TAIL || chunk.length > TAIL;
    this.#bytes = all.subarray(-TAIL);
  }

  get text(): string {
    const text = this.#bytes.toString().replaceAll(/[^\P{Cc}\n\t]/gu, '');
    return (this.#cut ? text.replace(/^[^\n]*\n/, '') : text).trim();
  }
}

/** Removes passwords from the output of a command: some echo them. */
export function without(secrets: readonly string[], bytes: Buffer): Buffer {
  const shown = secrets.filter((secret) => secret.length >= 4 && bytes.includes(secret));
  if (shown.length === 0) return bytes;
  const text = shown.reduce(
    (rest, secret) => rest.replaceAll(Buffer.from(secret).toString('latin1'), '***'),
    bytes.toString('latin1'),
  );
  return Buffer.from(text, 'latin1');
}
