import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { HostPage } from '../../../src/api/contract/host.ts';
import { serverNow } from '../clock/server-clock.ts';
import { HEALTH_NAMES } from '../element/names.ts';
import { Panel } from '../element/page.tsx';
import { clock, duration, moment } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { reasonOff } from './reason-off.ts';

const CONNECTION_NAMES = {
  listening: t('listening'),
  connected: t('connected'),
  waiting: t('waiting'),
  disconnected: t('disconnected'),
} as const satisfies Record<NonNullable<HostPage['host']['engines'][number]['connection']>, string>;

/** The state of a host, overall and on each engine. */
export function HostState({ page: { host, schedule } }: { readonly page: HostPage }): ReactElement {
  const { engines, queue, waiting, lastError, lastActivity, switchedOff } = host;
  return (
    <Panel title={t('State')}>
      <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-1.5">
        {queue !== undefined && (
          <>
            <dt className="text-ink-2">{t('Queue')}</dt>
            <dd>
              <Waiters host={host.name} queue={queue} />
            </dd>
          </>
        )}
        {waiting !== undefined && (
          <>
            <dt className="text-ink-2">{t('Set aside')}</dt>
            <dd>
              {waiting.next === undefined
                ? t('{count} {count|message|messages} until an answer comes', waiting)
                : t(
                    '{count} {count|message|messages} until a time or an answer comes; the next continues at {time} at the latest',
                    { count: waiting.count, time: moment(waiting.next) },
                  )}
            </dd>
          </>
        )}
        <dt className="text-ink-2">{t('Last active')}</dt>
        <dd>
          {lastActivity === undefined ? (
            t('not since it started')
          ) : (
            <>
              <When at={lastActivity} />, <When at={lastActivity} as="ago" />
            </>
          )}
        </dd>
        {schedule !== undefined && (
          <>
            <dt className="text-ink-2">{t('Schedule')}</dt>
            <dd>{schedule}</dd>
          </>
        )}
        {switchedOff !== undefined && (
          <>
            <dt className="text-ink-2">{t('Switched off')}</dt>
            <dd>
              {rich('by {by}, {when}: {reason}', {
                by: switchedOff.by,
                reason: reasonOff(switchedOff),
                when: <When at={switchedOff.at} as="second" />,
              })}
            </dd>
          </>
        )}
        {lastError !== undefined && (
          <>
            <dt className="text-ink-2">{t('Last error')}</dt>
            <dd className="break-words">
              <span className="text-bad">{serverText(lastError.text)}</span>{' '}
              <span className="font-mono text-2xs text-ink-2">
                {lastError.code}, <When at={lastError.at} as="ago" />
              </span>
            </dd>
          </>
        )}
        {engines.map(
          ({ engine, state, connection, detail, reconnect, inFlight, retrying, messages }) => (
            <div key={engine} className="contents">
              <dt className="text-ink-2">{t('Engine {engine}', { engine })}</dt>
              <dd className="break-words">
                {[
                  connection === undefined ? HEALTH_NAMES[state] : CONNECTION_NAMES[connection],
                  detail === undefined || detail === lastError?.text
                    ? undefined
                    : serverText(detail),
                  t('{count} {count|message|messages}', { count: messages }),
                  inFlight > 0 && t('{count} in flight', { count: inFlight }),
                  reconnect !== undefined && t('connects at {time}', { time: clock(reconnect) }),
                ]
                  .filter(Boolean)
                  .join(' · ')}
                {retrying !== undefined && (
                  <span className="text-warn">
                    {' · '}
                    <NextTry retrying={retrying} reconnect={reconnect} />
                  </span>
                )}
              </dd>
            </div>
          ),
        )}
      </dl>
    </Panel>
  );
}

/** The time of the next try may be over: without a connection it waits for that. */
function NextTry({
  retrying: { attempt, messageId, next },
  reconnect,
}: {
  readonly retrying: {
    readonly attempt: number;
    readonly messageId: number;
    readonly next: number;
  };
  readonly reconnect: number | undefined;
}): ReactElement {
  const values = {
    attempt,
    link: (text: string) => (
      <Link to="/messages/$id" params={{ id: messageId }} className="underline">
        {text}
      </Link>
    ),
    id: `${messageId}`,
  };
  if (next > serverNow()) {
    return rich('try {attempt} of <link>{id}</link>, next at {time}', {
      ...values,
      time: clock(next),
    });
  }
  return reconnect === undefined
    ? rich('try {attempt} of <link>{id}</link>, under way', values)
    : rich('try {attempt} of <link>{id}</link>, next once it is connected', values);
}

/** How many messages wait, and how long the oldest does. */
function Waiters({
  host,
  queue: { depth, oldest },
}: {
  readonly host: string;
  readonly queue: NonNullable<HostPage['host']['queue']>;
}): ReactElement {
  const link = (text: string): ReactElement => (
    <Link
      to="/queues"
      search={{ host }}
      className="text-accent underline decoration-line-strong underline-offset-2 hover:decoration-current"
    >
      {text}
    </Link>
  );
  if (oldest === undefined || depth === 0) return link(t('{count} waiting', { count: depth }));
  return rich('<link>{count} waiting</link>, the oldest for {duration}', {
    link,
    count: depth,
    duration: duration(serverNow() - oldest),
  });
}
