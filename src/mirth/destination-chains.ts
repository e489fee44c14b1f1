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
