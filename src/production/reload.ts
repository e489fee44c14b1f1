import type { Credentials } from '../credential/credentials.ts';
import { ConfigError } from '../error/adapter-error.ts';
import { type Difference, productionDifference } from './difference.ts';
import type { Director } from './director.ts';
import { describeProblem } from './problem.ts';
import type { ReadProduction } from './read.ts';

export interface ReloadParts {
  readonly director: Director;
  readonly credentials: Credentials;
  readonly read: () => Promise<ReadProduction>;
}

/**
 * Changes the running production to what its files say now: reads and checks them completely, then
 * restarts only the hosts that changed. A check that fails changes nothing and throws ConfigError.
 */
export function reloader({ director, credentials, read }: ReloadParts) {
  return async ({
    dryRun,
    by,
  }: {
    readonly dryRun: boolean;
    readonly by: string;
  }): Promise<Difference> => {
    const { definition, problems } = await read();
    if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
    const found = productionDifference(director.definition, definition);
    if (dryRun) return found;
    await credentials.replace(definition.credentials);
    await director.apply(definition, found.restarts, by);
    return found;
  };
}
