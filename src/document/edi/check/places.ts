import type { Line } from '../../segment/line.ts';
import { nameCode, nameOfCode } from '../../segment/segment-path.ts';
import type { EdiLoops } from '../edi-loops.ts';
import type { EdiPlace } from './finding.ts';

const HEADERS: ReadonlySet<number> = new Set([nameCode('ST'), nameCode('UNH')]);
const TRAILERS: ReadonlySet<number> = new Set([nameCode('SE'), nameCode('UNT')]);

/** The lines of a body and where they are, for findings. */
export class Places {
  readonly #loops: EdiLoops;
  readonly lines: readonly Line[];
  /** The number of each line among those with its name. */
  readonly #numbers: Uint32Array;
  /** Its position in its transaction set or message. */
  readonly #positions: Uint32Array;

  constructor(loops: EdiLoops) {
    const lines = loops.numbered();
    this.#loops = loops;
    this.lines = lines;
    this.#numbers = new Uint32Array(lines.length);
    this.#positions = new Uint32Array(lines.length);
    const counts = new Map<number, number>();
    let position = 0;
    for (const [index, { code }] of lines.entries()) {
      const number = (counts.get(code) ?? 0) + 1;
      counts.set(code, number);
      if (HEADERS.has(code)) position = 1;
      else if (position > 0) position += 1;
      this.#numbers[index] = number;
      this.#positions[index] = position;
      if (TRAILERS.has(code)) position = 0;
    }
  }

  of(index: number): EdiPlace {
    const line = this.lines[index];
    const segment = nameOfCode(line?.code ?? 0);
    const number = this.#numbers[index] ?? 0;
    const loop = line === undefined ? undefined : this.#loops.at(line);
    return {
      path: number > 1 ? `${segment}[${number}]` : segment,
      segment,
      position: this.#positions[index] ?? 0,
      loop: loop?.around?.guide === undefined ? '' : loop.id,
    };
  }
}
