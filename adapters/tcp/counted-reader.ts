import {
  type FoundFrame,
  type FrameShare,
  type FrameSource,
  PendingMessage,
} from 'waybill/peer/tcp';
import { bodyLength, type LengthPrefix } from './length-prefix.ts';

const BEGINNING = 64 * 1024;

/** Collects a known number of bytes. Both readers here share it. */
class Filling {
  readonly #message: PendingMessage;
  #wanted = 0;

  constructor(limit: number, share: FrameShare) {
    this.#message = new PendingMessage(limit, share);
  }

  get size(): number {
    return this.#message.size;
  }

  begin(wanted: number): void {
    this.#wanted = wanted;
  }

  /** Takes what belongs to the message; returns how many bytes that was. Pushes it when it is complete. */
  fill(bytes: Buffer, found: FoundFrame[]): { readonly taken: number; readonly isOver: boolean } {
    const missing = this.#wanted - this.size;
    const part = bytes.length > missing ? bytes.subarray(0, missing) : bytes;
    const over = this.#message.add(part);
    if (over !== undefined) found.push(over);
    else if (this.size === this.#wanted) {
      found.push({ kind: 'frame', body: this.#message.take() });
    }
    return { taken: part.length, isOver: over !== undefined };
  }

  take(): Buffer {
    return this.#message.take();
  }
}

/**
 * Reads messages that are preceded by their length. A length of 0 is a keep-alive, not a message.
 *
 *     before ──the length is whole──► inside ──so many bytes──► before
 */
export class LengthReader implements FrameSource {
  readonly almostEnded = false;
  readonly #prefix: LengthPrefix;
  readonly #limit: number;
  readonly #filling: Filling;
  /** The part of the length received so far. */
  #field: Buffer = Buffer.alloc(0);
  #inside = false;
  #over = false;

  constructor(prefix: LengthPrefix, limit: number, share: FrameShare) {
    this.#prefix = prefix;
    this.#limit = limit;
    this.#filling = new Filling(limit, share);
  }

  get open(): boolean {
    return this.#inside || this.#field.length > 0;
  }

  get pending(): number {
    return this.#field.length + this.#filling.size;
  }

  push(chunk: Buffer): FoundFrame[] {
    const found: FoundFrame[] = [];
    let rest = chunk;
    while (rest.length > 0 && !this.#over) {
      if (!this.#inside) {
        rest = this.#readLength(rest, found);
        continue;
      }
      const { taken, isOver } = this.#filling.fill(rest, found);
      this.#over = isOver;
      this.#inside = isOver || this.#filling.size > 0;
      rest = rest.subarray(taken);
    }
    return found;
  }

  finish(): Buffer {
    return this.#filling.take();
  }

  atEnd(): undefined {
    return undefined;
  }

  #readLength(bytes: Buffer, found: FoundFrame[]): Buffer {
    const missing = this.#prefix.bytes - this.#field.length;
    const field = Buffer.concat([this.#field, bytes.subarray(0, missing)]);
    const rest = bytes.subarray(missing);
    if (field.length < this.#prefix.bytes) {
      this.#field = field;
      return rest;
    }
    this.#field = Buffer.alloc(0);
    const length = bodyLength(this.#prefix, field);
    const isBroken = typeof length === 'string';
    if (isBroken || length > this.#limit) {
      this.#over = true;
      const beginning = Buffer.concat([field, rest.subarray(0, BEGINNING)]);
      found.push(
        isBroken ? { kind: 'broken', beginning, why: length } : { kind: 'too-large', beginning },
      );
      return rest;
    }
    this.#filling.begin(length);
    this.#inside = length > 0;
    return rest;
  }
}

/** Reads messages that all have the same number of bytes. */
export class FixedReader implements FrameSource {
  readonly almostEnded = false;
  readonly #filling: Filling;
  #over = false;

  constructor(length: number, share: FrameShare) {
    this.#filling = new Filling(length, share);
    this.#filling.begin(length);
  }

  get open(): boolean {
    return this.#filling.size > 0;
  }

  get pending(): number {
    return this.#filling.size;
  }

  push(chunk: Buffer): FoundFrame[] {
    const found: FoundFrame[] = [];
    for (let rest = chunk; rest.length > 0 && !this.#over; ) {
      const { taken, isOver } = this.#filling.fill(rest, found);
      if (isOver) this.#over = true;
      if (isOver || taken === rest.length) break;
      rest = rest.subarray(taken);
    }
    return found;
  }

  finish(): Buffer {
    return this.#filling.take();
  }

  atEnd(): undefined {
    return undefined;
  }
}
