import type { Lent } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import type { HostState, Runtime } from './host.ts';

/** What the engine provides to every adapter, inbound or outbound. */
export function lend(
  { production, events, logs, credential, verifier, peerCertificate, records, launches }: Runtime,
  host: string,
  {
    settings,
    signal,
    state,
    replies = {},
  }: {
    settings: Readonly<Record<string, unknown>>;
    signal: AbortSignal;
    state: HostState;
    replies?: Readonly<Record<string, unknown>>;
  },
): Lent<Settings> {
  return {
    host,
    production,
    settings: settings,
    log: logs.of(host),
    signal,
    credential,
    verifier,
    peerCertificate: (name, certificate) => peerCertificate(host, name, certificate),
    connection(connection, detail) {
      const changed = state.connection !== connection || state.detail !== detail;
      const isUp = connection === 'connected' || connection === 'listening';
      state.connection = connection;
      state.detail = detail;
      if (changed && isUp) events.connected(host, detail ?? connection);
    },
    event: (level, name, text, unlogged) => events.told(host, level, name, { text, unlogged }),
    records,
    launches,
    isRuled: (key) => Object.hasOwn(replies, key),
  };
}
