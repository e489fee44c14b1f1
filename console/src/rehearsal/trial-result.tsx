import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Button } from '../element/button.tsx';
import { Warning } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { count, duration } from '../element/time-text.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { type Group, keyOf, type SoFar, type Trial } from './use-rehearsals.ts';

/** How far it is, and the way to end it and to go on. */
export function How({
  found: { done, total, complete, stuck, next, mixed, took },
  trial: { isRunning, stop, goOn },
}: {
  readonly found: SoFar;
  readonly trial: Trial;
}): ReactElement {
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3" role="status">
        <progress
          className="h-2 w-48 appearance-none overflow-hidden rounded-full bg-idle-soft [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-idle-soft [&::-webkit-progress-value]:bg-accent"
          value={done}
          max={total}
          aria-label={t('Messages that were tried')}
        />
        <span>{t('{done} of {total} tried', { done: count(done), total: count(total) })}</span>
        {isRunning && next !== undefined && done > 0 && (
          <span className="text-ink-2">
            {t('{rate} a second, about {time} more', {
              rate: count((done / Math.max(took, 1)) * 1_000),
              time: duration(((total - done) * took) / done),
            })}
          </span>
        )}
        {isRunning && <Button onClick={stop}>{t('Stop')}</Button>}
        {!isRunning && next !== undefined && <Button onClick={goOn}>{t('Go on')}</Button>}
      </div>
      {next !== undefined && (
        <p className="text-xs text-ink-2">
          {t('Some of all of them are tried first: the shares hold for the rest, more or less.')}
        </p>
      )}
      {mixed && (
        <Warning>
          {t('The files changed during the trial: try again for an answer about one version.')}
        </Warning>
      )}
      {!complete && (
        <Warning>{t('More messages fit than one list takes: these are the newest.')}</Warning>
      )}
      {stuck && (
        <Warning>
          {t(
            'The files ran on and on for the last message, and the trial was ended: look for an endless loop in the code that it goes through.',
          )}
        </Warning>
      )}
    </div>
  );
}

/** @param files what stands for the files that were tried in the address of a single trial; those on disk by default */
export function Groups({
  groups,
  files,
}: {
  readonly groups: readonly Group[];
  readonly files?: string | undefined;
}): ReactElement {
  const sorted = groups.toSorted((a, b) => b.count - a.count);
  return (
    <Panel title={t('What they would become')} flush>
      <ul>
        {sorted.map((group) => (
          <li
            key={keyOf(group)}
            className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 border-t border-line px-3 py-2 first:border-0"
          >
            <span className="min-w-10 text-right text-lg font-semibold">{count(group.count)}</span>
            <Became group={group} />
            {group.original !== undefined && (
              <Link
                to="/messages/$id/rehearsal"
                params={{ id: group.original }}
                search={{ files }}
                className="ml-auto text-accent hover:underline max-sm:w-full max-sm:pl-13"
              >
                {t('one of them, field by field')}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const OWN = {
  changed: { text: t('their target would get something else than it got'), look: 'text-good' },
  same: { text: t('their target would get the same again as it got'), look: 'text-warn' },
  nothing: { text: t('their own target would get nothing'), look: 'text-warn' },
} as const satisfies Record<NonNullable<Group['own']>, unknown>;

const WHOLE = {
  same: { text: t('the same as then, byte for byte'), look: 'text-ink-2' },
  changed: { text: t('with another content than then'), look: 'text-warn' },
  elsewhere: { text: '', look: 'text-warn' },
} as const satisfies Record<NonNullable<Group['whole']>, unknown>;

function Became({
  group: { kind, to, own, whole, went = [], host, code, cause },
}: {
  readonly group: Group;
}): ReactElement {
  const why = (
    <>
      <span className="min-w-0 break-words">{serverText(cause ?? '')}</span>{' '}
      <span className="font-mono text-xs text-ink-2">{code}</span>
    </>
  );
  if (kind === 'fails')
    return (
      <span className="min-w-0 flex-1">
        <span className="font-medium text-bad">
          {t('would still fail at {host}', { host: host ?? '?' })}
        </span>{' '}
        {why}
      </span>
    );
  if (kind === 'untried')
    return (
      <span className="min-w-0 flex-1">
        <span className="font-medium">{t('could not be tried')}</span> {why}
      </span>
    );
  if (kind === 'nowhere')
    return (
      <span className={whole === 'same' ? 'text-ink-2' : 'text-warn'}>
        {whole === 'elsewhere'
          ? t('would go to nobody, and went to {targets} then', { targets: went.join(', ') })
          : whole === 'same'
            ? t('would go to nobody, as then')
            : t('would go to nobody')}
      </span>
    );
  return (
    <span className="min-w-0 flex-1">
      {t('would go to {targets}', { targets: to.join(', ') })}
      {whole !== undefined && (
        <span className={`block text-xs ${WHOLE[whole].look}`}>
          {whole === 'elsewhere'
            ? t('went to {targets} then', { targets: went.join(', ') || t('nobody ## got it') })
            : WHOLE[whole].text}
        </span>
      )}
      {own !== undefined && (
        <span className={`block text-xs ${OWN[own].look}`}>{OWN[own].text}</span>
      )}
    </span>
  );
}
