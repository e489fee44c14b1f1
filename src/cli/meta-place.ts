import type { Command } from 'commander';
import type { MetaPlace } from '../access/meta/meta-database.ts';
import { EngineError } from '../error/engine-error.ts';
import { DATA } from './connect.ts';
import { filledUrl, urlOption } from './secret-url.ts';

/** Where `waybill run` keeps users and the audit log. */
export interface MetaPlaceFlags {
  readonly data: string;
  readonly trace?: string;
  readonly production?: string;
}

export function metaPlaceOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'the folder that waybill run uses', DATA)
    .addOption(urlOption('trace', 'the PostgreSQL that waybill run uses; requires --production'))
    .option('--production <name>', 'whose users and audit log, in PostgreSQL');
}

export function metaPlace({ data, trace, production }: MetaPlaceFlags): MetaPlace {
  if (trace === undefined) return { data };
  if (production === undefined) {
    throw new EngineError(
      'CONFIG_INVALID',
      '--trace requires --production: each production has its own users and audit log there',
    );
  }
  return { data, shared: { url: filledUrl('trace', trace), production } };
}
