import { useQuery } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, CircleSlash, TriangleAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import type { ProductionBrief } from '../../../src/api/contract/production.ts';
import type { Status } from '../../../src/api/contract/status.ts';
import { ApiProblem } from '../api/client.ts';
import { ListTable } from '../element/list-table.tsx';
import { count } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { LinkIn } from './gathered.tsx';
import { briefOf, statusOf } from './queries.ts';

/** One row a production: whether it runs, what is stuck, what failed. */
export function Overview({ names }: { readonly names: readonly string[] }): ReactElement {
  return (
    <ListTable
      label={t('Productions')}
      look="min-w-[56rem]"
      columns={[
        t('Production'),
        t('State'),
        t('Hosts'),
        t('Queued'),
        t('Suspended'),
        t('Failed in 24 h'),
        t('Alerts'),
        t('In and out, last hour'),
      ]}
    >
      {names.map((name) => (
        <Row key={name} name={name} />
      ))}
    </ListTable>
  );
}

function Row({ name }: { readonly name: string }): ReactElement {
  const { data, error } = useQuery(statusOf(name));
  const away = error instanceof ApiProblem && error.status === 503;
  const { data: brief } = useQuery({ ...briefOf(name), enabled: away });
  // what its plane told before it went away would look as if it were so now
  const status = error === null ? data : undefined;
  const known: Known = status ?? (away ? (brief ?? {}) : {});
  return (
    <tr className="border-t border-line hover:bg-hover">
      <th scope="row" className="px-3 py-1.5 font-medium">
        <LinkIn production={name}>{name}</LinkIn>
        {known.title !== undefined && (
          <span className="block text-xs font-normal text-ink-2">{known.title}</span>
        )}
      </th>
      <td className="px-3 py-1.5">
        <State status={status} error={error} brief={away ? brief : undefined} />
      </td>
      <FromEngines known={known} />
      {status === undefined ? <td colSpan={4} /> : <FromPlane status={status} />}
    </tr>
  );
}

type Known = Partial<Pick<ProductionBrief, 'title' | 'hosts' | 'queued'>>;

const CELL = 'px-3 py-1.5 text-xs';

/** Also known while the operator plane is away. */
function FromEngines({ known: { hosts, queued } }: { readonly known: Known }): ReactElement {
  const troubled = hosts === undefined ? 0 : hosts.retrying + hosts.disconnected + hosts.stopped;
  return (
    <>
      <td className={CELL}>
        {hosts !== undefined && (
          <Figure
            name={t('Hosts')}
            bad={troubled}
            text={
              troubled === 0
                ? count(hosts.total)
                : t('{bad} of {total} in trouble', { bad: troubled, total: hosts.total })
            }
          />
        )}
      </td>
      <td className={CELL}>
        {queued !== undefined && <Figure name={t('Queued')} text={count(queued.messages)} />}
        {queued?.oldest !== undefined && (
          <span className="block text-ink-2">
            <When at={queued.oldest.at} as="ago" />
          </span>
        )}
      </td>
    </>
  );
}

function FromPlane({ status }: { readonly status: Status }): ReactElement {
  const { suspended, errorsToday, openAlerts, lastHour } = status;
  const figures = [
    [t('Suspended'), suspended],
    [t('Failed in 24 h'), errorsToday],
    [t('Alerts'), openAlerts],
  ] as const;
  return (
    <>
      {figures.map(([name, many]) => (
        <td key={name} className={CELL}>
          <Figure name={name} bad={many ?? 0} text={many === undefined ? '–' : count(many)} />
        </td>
      ))}
      <td className={CELL}>
        <Figure
          name={t('In and out, last hour')}
          text={lastHour === undefined ? '–' : `${count(lastHour.in)} / ${count(lastHour.out)}`}
        />
      </td>
    </>
  );
}

/** A number with its name, which only phones show: their rows have no heads. */
function Figure({
  name,
  text,
  bad = 0,
}: {
  readonly name: string;
  readonly text: string;
  readonly bad?: number;
}): ReactElement {
  return (
    <>
      <span className="text-ink-2 md:hidden">{name}: </span>
      <span className={bad > 0 ? 'font-medium text-bad' : ''}>{text}</span>
    </>
  );
}

const LOOKS = {
  good: [CircleCheck, 'text-good'],
  warn: [TriangleAlert, 'text-warn'],
  bad: [CircleAlert, 'text-bad'],
  idle: [CircleSlash, 'text-idle'],
} as const;

function State(parts: {
  readonly status: Status | undefined;
  readonly error: Error | null;
  readonly brief: ProductionBrief | undefined;
}): ReactElement {
  const [look, text] = stateOf(parts);
  const [Icon, style] = LOOKS[look];
  return (
    <span className={`inline-flex items-center gap-1.5 text-xs font-medium ${style}`}>
      <Icon size={14} aria-hidden="true" className="shrink-0" />
      {text}
    </span>
  );
}

function stateOf({
  status,
  error,
  brief,
}: Parameters<typeof State>[0]): readonly [keyof typeof LOOKS, string] {
  if (status !== undefined) {
    if (status.engines.length === 0) return ['bad', t('no engine runs')];
    if (status.hosts.stopped + status.hosts.disconnected > 0) return ['bad', t('hosts are down')];
    if (status.hosts.retrying > 0 || (status.openAlerts ?? 0) > 0)
      return ['warn', t('needs a look')];
    return ['good', t('runs ## of a production')];
  }
  if (brief !== undefined)
    return brief.engines.length === 0
      ? ['bad', t('does not run')]
      : ['warn', t('engines run, its operator plane is away')];
  if (error === null) return ['idle', t('Loading…')];
  if (error instanceof ApiProblem && error.status === 403)
    return ['idle', t('you may not see this there')];
  return ['warn', t('does not answer')];
}
