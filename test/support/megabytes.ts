import type { Body } from '../../src/adapter/index.ts';

export const PIECE = Buffer.alloc(1_000_000, 'a line of a report\n');

/** A body of this many megabytes, in pieces of one: more than all buffers between two sockets. */
export const megabytes = (count: number): Body => ({
  size: count * PIECE.length,
  inline: undefined,
  bytes: () => Promise.reject(new Error('read as a whole')),
  async *stream() {
    for (let n = 0; n < count; n++) yield PIECE;
  },
});
