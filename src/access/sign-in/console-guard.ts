import { join } from 'node:path';
import type { FastifyPluginCallback } from 'fastify';
import { describeError, EngineError } from '../../error/engine-error.ts';
import type { Logger } from '../../log/logger.ts';
import { type AuditLog, auditLog } from '../audit/audit-log.ts';
import { proveRegularly } from '../audit/prove-audit.ts';
import type { MetaDatabase, MetaPlace } from '../meta/meta-database.ts';
import { metaDatabase } from '../meta/open-meta.ts';
import type { BodyMask } from '../rights/body-mask.ts';
import { fieldMask } from '../rights/field-mask.ts';
import { isLoopback } from '../rights/loopback.ts';
import type { RightsNow } from '../rights/orderer.ts';
import type { ScopedHost } from '../rights/scope.ts';
import { type ConsoleSettings, readConsoleSettings } from './console-settings.ts';
import { openSignIn } from './open-sign-in.ts';
import { signInPlugin } from './plugin.ts';
import { rightsNow } from './rights-now.ts';

export interface GuardParts {
  /** Where users and the audit log are. */
  readonly place: MetaPlace;
  /** `console.yaml`; one in the data folder if none is named. */
  readonly file: string | undefined;
  /** What held before the operator plane had to be started again: a file that was broken since does not take the console away. */
  readonly held?: ConsoleSettings | undefined;
  /** Where the console will listen. */
  readonly host: string;
  readonly hosts: () => Promise<readonly ScopedHost[]>;
  readonly log: Logger;
}

/** Everything that stands between a request and what it asks for. */
export interface ConsoleGuard {
  readonly meta: MetaDatabase;
  readonly audit: AuditLog;
  readonly settings: ConsoleSettings;
  readonly mask: BodyMask;
  readonly rightsNow: RightsNow;
  readonly traceUrl: string | undefined;
  readonly signIn: FastifyPluginCallback;
  /** With which the first administrator is made; undefined where somebody can sign in. To be told at the machine, and nowhere kept. */
  readonly firstCode: string | undefined;
  close(): Promise<void>;
}

/** Reads `console.yaml` and opens users, sessions and the audit log. Throws a ConfigError with every problem of the file. */
export async function consoleGuard({
  place,
  file,
  held,
  host,
  hosts,
  log,
}: GuardParts): Promise<ConsoleGuard> {
  const settings = settingsIn(file ?? join(place.data, 'console.yaml'), held, log);
  const audit = await auditLog(place, {
    onCut: (cut) => log.error({ event: 'audit-cut', ...cut }, 'audit-cut'),
  });
  const meta = await metaDatabase(place).catch(async (error: unknown) => {
    await audit.close();
    throw error;
  });
  try {
    const signIn = await openSignIn({ database: meta, settings, audit, hosts, log });
    const { allowed, why } = await signIn.enforcement.passwords();
    if (!settings.passwords && allowed)
      log.warn({ event: 'passwords-still-on', why }, 'passwords-still-on');
    const firstCode = await signIn.first.newCode();
    if (firstCode !== undefined && !isLoopback(host)) {
      throw new EngineError(
        'CONFIG_INVALID',
        `the console does not listen on ${host} while there is no user: make one with waybill user add, or listen on 127.0.0.1`,
      );
    }
    const proving = proveRegularly(audit, log);
    return {
      meta,
      audit,
      settings,
      mask: fieldMask(settings.mask),
      rightsNow: rightsNow(signIn),
      traceUrl: settings.traceUrl,
      signIn: signInPlugin(signIn),
      firstCode,
      async close() {
        proving[Symbol.dispose]();
        await meta.close();
        await audit.close();
      },
    };
  } catch (error) {
    await meta.close();
    await audit.close();
    throw error;
  }
}

function settingsIn(file: string, held: ConsoleSettings | undefined, log: Logger): ConsoleSettings {
  try {
    return readConsoleSettings(file, process.env);
  } catch (error) {
    if (held === undefined) throw error;
    const { text } = describeError(error);
    log.error({ event: 'console-settings-kept', problem: text }, 'console-settings-kept');
    return held;
  }
}
