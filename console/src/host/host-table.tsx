import { Link } from '@tanstack/react-router';
import { Cog, LogIn, LogOut } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Host, Override } from '../../../src/api/contract/host.ts';
import { serverNow } from '../clock/server-clock.ts';
import { useFirst } from '../element/first.tsx';
import { HealthBadge } from '../element/health-badge.tsx';
import { KIND_NAMES } from '../element/names.ts';
import { needsAttention } from '../element/needs-attention.ts';
import { count, duration, moment } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { HostFind } from './host-find.tsx';
import { reasonOff } from './reason-off.ts';

const ICONS = { service: LogIn, process: Cog, operation: LogOut } as const;
const KINDS = ['service', 'process', 'operation'] as const;

const COLUMNS = [
  [t('Host'), ''],
  [t('State'), ''],
  [t('Adapter'), ''],
  [t('Queue'), 'text-right'],
  [t('Messages'), 'text-right'],
  [t('Last active'), ''],
  [t('Last error'), ''],
] as const;

const OVERRIDE_NAMES = {
  hold: t('hold ## a host'),
  test: t('test ## mode of a host'),
  'log-level': t('log-level'),
} as const satisfies Record<Override['kind'], string>;

const rank = ({ health, kind }: Host): number =>
  (needsAttention(health) ? 0 : 10) + KINDS.indexOf(kind);

interface HostTableProps {
  readonly hosts: readonly Host[];
  /** Only hosts whose name or title contains it. */
  readonly find: string | undefined;
  readonly onFind: (text: string | undefined) => void;
}

/** Hosts as a table: first what needs attention, then in the order in which messages pass them. */
export function HostTable({ hosts, find, onFind }: HostTableProps): ReactElement {
  const wanted = find?.toLowerCase() ?? '';
  const found = hosts
    .filter(({ name, title = '' }) => `${name} ${title}`.toLowerCase().includes(wanted))
    .toSorted((a, b) => rank(a) - rank(b));
  const { first, more } = useFirst(found);
  return (
    <>
      <HostFind found={found.length} total={hosts.length} find={find} onFind={onFind} />
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t('Hosts')}>
        <table className="stack w-full border-collapse text-left">
          <thead>
            <tr className="border-b border-line bg-sunken text-2xs text-ink-2">
              {COLUMNS.map(([name, look]) => (
                <th key={name} scope="col" className={`px-3 py-1.5 font-medium ${look}`}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {first.map((host) => (
              <Row key={host.name} host={host} />
            ))}
          </tbody>
        </table>
      </div>
      {more}
    </>
  );
}

function Row({ host }: { readonly host: Host }): ReactElement {
  const { name, title, kind, adapter, health, queue, waiting, lastActivity, engines } = host;
  const Icon = ICONS[kind];
  const messages = engines.reduce((sum, one) => sum + one.messages, 0);
  return (
    <tr className="border-b border-line last:border-0 hover:bg-hover">
      <th scope="row" className="max-w-80 truncate px-3 max-sm:grow py-1.5 font-normal">
        <Icon
          size={14}
          className="mr-2 inline text-ink-3"
          aria-label={KIND_NAMES[kind]}
          role="img"
        />
        <Link
          to="/hosts/$host"
          params={{ host: name }}
          className="font-medium text-accent hover:underline"
        >
          {name}
        </Link>
        {title !== undefined && <span className="ml-2 text-xs text-ink-2">{title}</span>}
      </th>
      <td className="px-3 py-1.5">
        <HealthBadge health={health} />
      </td>
      <td className="px-3 py-1.5 font-mono text-xs whitespace-nowrap text-ink-2 max-sm:!hidden">
        {adapter}
      </td>
      <td
        className={`px-3 py-1.5 text-right whitespace-nowrap ${(queue?.depth ?? 0) > 0 ? 'font-medium' : 'text-ink-3'}`}
      >
        {queue !== undefined && (
          <>
            <span className="max-sm:hidden">{count(queue.depth)}</span>
            <span className="sm:hidden">{t('{count} queued', { count: queue.depth })}</span>
          </>
        )}
        {queue?.oldest !== undefined && queue.depth > 0 && (
          <span className="ml-1 text-xs font-normal text-ink-2">
            {duration(serverNow() - queue.oldest)}
          </span>
        )}
        {waiting !== undefined && (
          <span className="ml-1 text-xs font-normal text-ink-2">
            {t('+ {count} set aside', { count: waiting.count })}
          </span>
        )}
      </td>
      <td className="px-3 py-1.5 text-right text-ink-2 max-sm:!hidden">
        {health === 'inline' ? '' : count(messages)}
      </td>
      <td className="px-3 py-1.5 text-xs whitespace-nowrap text-ink-2 max-sm:!hidden">
        {health !== 'inline' &&
          (lastActivity === undefined ? t('never') : <When at={lastActivity} as="ago" />)}
      </td>
      <Trouble host={host} />
    </tr>
  );
}

/** Why it does not run: its last error, who switched it off, or until when its schedule keeps it off. */
function Trouble({
  host: { health, lastError, switchedOff, overrides, engines },
}: {
  readonly host: Host;
}): ReactElement {
  const error = health === 'running' || health === 'inline' ? undefined : lastError;
  const off =
    switchedOff === undefined
      ? undefined
      : t('by {by}: {reason}', { by: switchedOff.by, reason: reasonOff(switchedOff) });
  const resting =
    health === 'stopped' ? engines.find(({ detail }) => detail !== undefined)?.detail : undefined;
  const quiet = off ?? (resting && serverText(resting));
  const text = quiet ?? (error && serverText(error.text));
  const set = overrides.map(({ kind, by, until }) =>
    t('{kind} by {by} until {until}', {
      kind: OVERRIDE_NAMES[kind],
      by,
      until: moment(until),
    }),
  );
  return (
    <td
      className={`line w-1/4 max-w-0 truncate px-3 py-1.5 text-xs ${quiet === undefined ? 'text-bad' : 'text-ink-2'}`}
      title={[...set, text].join(', ')}
    >
      {set.length > 0 && <span className="mr-2 text-warn">{set.join(', ')}</span>}
      {text}
    </td>
  );
}
