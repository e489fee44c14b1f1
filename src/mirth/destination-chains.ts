import type { ProcessMessage } from '../flow/process-code.ts';

/** Destinations that got nothing, because the script of the first failed. */
export interface Failed {
  readonly numbers: readonly number[];
  readonly error: unknown;
}

export class DestinationFailed extends Error {
  /** Whether those after it in its chain are not reached either. */
  readonly stopsChain: boolean;

  constructor(cause: unknown, stopsChain: boolean) {
    super('a script of the destination failed', { cause });
    this.stopsChain = stopsChain;
  }
}

/** Destinations that follow each other. */
export function chainsOf<One extends { readonly apart?: boolean }>(
  destinations: readonly One[],
): One[][] {
  const chains: One[][] = [];
  for (const destination of destinations) {
    const last = chains.at(-1);
    if (last === undefined || destination.apart === true) chains.push([destination]);
    else last.push(destination);
  }
  return chains;
}

/** The type of a message that a process sends to itself, for destinations that failed. */
export const ONLY_SOME = 'application/vnd.waybill.mirth-destinations+json';

/** What a service delivered, as text; Base64 for a channel that reads bytes. */
export interface Taken {
  readonly text: string;
  readonly type: string;
  readonly only?: readonly number[];
  /** What the script threw for which only these wait. */
  readonly failed?: string;
}

/**
 * What is left for destinations that failed. Throws what failed before, until a person resends it: what the scripts do
 * besides sending would otherwise be done again for nothing.
 */
export function takenAgain({ parentId }: Pick<ProcessMessage, 'parentId'>, body: string): Taken {
  const taken = JSON.parse(body) as Taken;
  // what a person resends comes from no other message
  if (taken.failed === undefined || parentId === undefined) return taken;
  throw Object.assign(new Error('a script of a destination failed'), { name: taken.failed });
}
