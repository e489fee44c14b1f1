import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Message } from 'waybill/adapter';
import { toldElsewhere } from 'waybill/adapter';
import { diskFailure } from './disk-failure.ts';
import type { DiskOptions } from './disk-store.ts';

/** A link at the file's name is not followed: who may write into the folder could have any file written to. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/** Adds messages to the end of files, one at a time for each file. */
export class Appender {
  readonly #options: DiskOptions;
  readonly #separator: Buffer;
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: DiskOptions, separator: string) {
    this.#options = options;
    this.#separator = Buffer.from(separator, 'utf8');
  }

  /**
   * Resolves once the message and the separator are in the file. If it fails in the middle, the file is
   * cut back to where it was, so that the next try does not follow half a message.
   */
  async append(path: string, { body }: Message, signal: AbortSignal): Promise<void> {
    const before = this.#turns.get(path) ?? Promise.resolve();
    const own = before.catch(toldElsewhere).then(() => this.#write(path, body.stream(), signal));
    this.#turns.set(path, own);
    try {
      await own;
    } catch (error) {
      throw diskFailure(error, dirname(path));
    } finally {
      if (this.#turns.get(path) === own) this.#turns.delete(path);
    }
  }

  async #write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const file = await open(path, APPEND, this.#options.mode ?? 0o666);
    try {
      const { size } = await file.stat();
      try {
        for await (const chunk of body) {
          signal.throwIfAborted();
          await file.writeFile(chunk);
        }
        await file.writeFile(this.#separator);
        if (this.#options.sync) await file.sync();
      } catch (error) {
        await file.truncate(size);
        throw error;
      }
    } finally {
      await file.close();
    }
  }
}
