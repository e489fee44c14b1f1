import type { Bodies } from '../../broker/bodies.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { TraceStore } from '../trace-store.ts';
import type { Damage, MovedFile } from './damage.ts';
import { sqliteTraceStore } from './sqlite/trace-store.ts';
import type { TraceCipher } from './trace-cipher.ts';

export interface OpenStoreOptions {
  /** It has its own trace; in PostgreSQL, its own schema. */
  readonly production: string;
  /** `postgres://user:password@host:port/database`; undefined keeps the trace in files. */
  readonly url?: string | undefined;
  /** The folder of the files. */
  readonly folder: string;
  /** Reads large bodies for searches in their content. */
  readonly bodies?: Pick<Bodies, 'open'> | undefined;
  /** Encrypts bodies and search keys, or only reads encrypted ones. */
  readonly cipher?: TraceCipher | undefined;
  /** Called for each file that was found damaged and set aside. */
  readonly onDamaged?: ((damage: Damage) => void) | undefined;
  /** Called for each file that was removed or replaced while it was open, and that has been written again. */
  readonly onMoved?: ((moved: MovedFile) => void) | undefined;
  /** Called before a PostgreSQL trace of an older version is changed, which may take minutes. */
  readonly onMigration?:
    | ((change: { readonly from: number; readonly to: number }) => void)
    | undefined;
  /** Called, with how far it still has read the streams, when PostgreSQL turns out to be behind what was written into it: a standby that had not got all took over. */
  readonly onBehind?: ((read: ReadonlyMap<string, number>) => void) | undefined;
  /** Called if PostgreSQL has tables of a trace in the schema `public`, where nobody looks for them. */
  readonly onLeft?: (() => void) | undefined;
}

/** Opens the production's trace store: files in a folder, or PostgreSQL by its URL. */
export async function openTraceStore({
  production,
  url,
  folder,
  bodies,
  onDamaged,
  onMoved,
  onMigration,
  onBehind,
  onLeft,
  cipher,
}: OpenStoreOptions): Promise<TraceStore> {
  const largeBody = async (ref: string, size: number): Promise<Uint8Array | undefined> =>
    bodies?.open(ref, size).bytes();
  if (url === undefined) return sqliteTraceStore({ folder, largeBody, onDamaged, onMoved, cipher });
  if (!/^postgres(?:ql)?:\/\//.test(url)) {
    throw new EngineError(
      'CONFIG_INVALID',
      '--trace takes the URL of a PostgreSQL database: postgres://user:password@host/database',
    );
  }
  // loaded only if it is used
  const { postgresTraceStore } = await import('./postgres/trace-store.ts');
  return postgresTraceStore({ url, production, largeBody, cipher, onMigration, onBehind, onLeft });
}
