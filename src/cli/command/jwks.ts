import { Command } from 'commander';
import { credentials } from '../../credential/credentials.ts';
import { describeProblem } from '../../definition/problem.ts';
import { readProduction } from '../../definition/read.ts';
import { ConfigError } from '../../error/adapter-error.ts';
import { rootLogger } from '../../log/logger.ts';
import { print } from '../output.ts';
import { type ReadingFlags, readingOptions, readOptions } from '../reading.ts';

/**
 * `waybill jwks`: what a running production serves at `/.well-known/jwks.json`, for servers that do
 * not accept an address.
 */
export function jwksCommand(): Command {
  return readingOptions(new Command('jwks'))
    .description(
      'Prints the public keys of a production’s client assertions (private_key_jwt) as a JWKS document. A running production serves it at /.well-known/jwks.json.',
    )
    .argument('[production]', 'its folder', '.')
    .action(printKeys);
}

async function printKeys(folder: string, flags: ReadingFlags): Promise<void> {
  const { definition, problems } = await readProduction(folder, readOptions(flags));
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  // A key that cannot be read is reported in the log.
  const log = rootLogger('error');
  const known = credentials(definition.credentials, { log, folder: definition.folder });
  print(JSON.stringify(await known.jwksDocument(), null, 2));
  await known.close();
}
