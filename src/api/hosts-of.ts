import type { Principal } from '../access/rights/principal.ts';
import type { HostReport, LeftQueue, StatusReport } from '../control/engine-report.ts';
import type { HostDescription, ProductionDescription } from '../control/production-description.ts';
import type { Engines } from '../operator/engines.ts';
import type { Host } from './contract/host.ts';
import { shownHost } from './shown.ts';

type OnEngine = HostReport & { readonly engine: number };

/** Every host over all engines, as it may be seen. */
export function hostsOf(
  { hosts }: ProductionDescription,
  reports: readonly StatusReport[],
  visible: readonly string[] | undefined,
): Host[] {
  const told = Map.groupBy(
    reports.flatMap((report) =>
      report.hosts.map((host): OnEngine => ({ ...host, engine: report.engine })),
    ),
    ({ host }) => host,
  );
  return hosts
    .filter(({ name }) => visible === undefined || visible.includes(name))
    .map((host) => hostOf(host, told.get(host.name) ?? []));
}

/** What waits for hosts that the production has no longer, as it may be seen: each engine sees the queues, one what waits outside. */
export function leftOf(
  reports: readonly StatusReport[],
  visible: readonly string[] | undefined,
): LeftQueue[] {
  const most = new Map<string, LeftQueue>();
  for (const one of reports.flatMap(({ left }) => left)) {
    if (visible !== undefined && !visible.includes(one.host)) continue;
    if (one.depth > (most.get(one.host)?.depth ?? 0)) most.set(one.host, one);
  }
  return [...most.values()];
}

/** Asks the engines, and gives every host as it may be seen. */
export async function readHosts(
  engines: Engines,
  viewer: Pick<Principal, 'visibleHosts' | 'unmasked'>,
): Promise<Host[]> {
  const [description, reports] = await Promise.all([engines.describe(), engines.status()]);
  return hostsOf(description, reports, viewer.visibleHosts).map((one) => shownHost(viewer, one));
}

function hostOf(description: HostDescription, told: readonly OnEngine[]): Host {
  const { name, kind, title, tags, adapter } = description;
  const errors = told.flatMap(({ lastError }) => lastError ?? []);
  const activity = told.flatMap(({ lastActivity }) => lastActivity ?? []);
  const queue = told.find((one) => one.queue !== undefined)?.queue;
  return {
    name,
    kind,
    title,
    tags,
    adapter,
    health: healthOf(description, told),
    queue,
    waiting: told.find((one) => one.waiting !== undefined)?.waiting,
    switchedOff: told.find((one) => one.switchedOff !== undefined)?.switchedOff,
    overrides: (told[0]?.overrides ?? []).map(({ host: _, ...override }) => override),
    lastError: errors.toSorted((a, b) => b.at - a.at)[0],
    lastActivity: activity.length === 0 ? undefined : Math.max(...activity),
    engines: told.map(
      ({
        host: _,
        kind: __,
        queue: ___,
        switchedOff: ____,
        overrides: _____,
        waiting: ______,
        ...rest
      }) => rest,
    ),
  };
}

/** The worst that any engine tells. A poller that waits for another engine's turn is as it is meant to be. */
function healthOf({ inline }: HostDescription, told: readonly OnEngine[]): Host['health'] {
  if (inline) return 'inline';
  if (told.some(({ switchedOff }) => switchedOff !== undefined && switchedOff !== null))
    return 'off';
  if (told.some(({ overrides }) => overrides.some(({ kind }) => kind === 'hold'))) return 'off';
  if (!told.some(({ state }) => state === 'running')) return 'stopped';
  if (told.some(({ retrying }) => retrying !== undefined && retrying !== null)) return 'retrying';
  if (told.some(({ connection }) => connection === 'disconnected')) return 'disconnected';
  return 'running';
}
