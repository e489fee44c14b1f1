import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Alert } from '../../../src/api/contract/alert.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { DELIVERY_NAMES, DELIVERY_TONES } from './names.ts';

type Told = NonNullable<Alert['told']>[number];

/** Those that are shown without being asked for: what failed, and the latest. */
const SHOWN = 3;

/** Whom an alert was sent to, by which channel, and whether it got there. */
export function ToldList({ told }: { readonly told: readonly Told[] }): ReactElement | null {
  if (told.length === 0) return null;
  const [before, latest] = [told.slice(0, -SHOWN), told.slice(-SHOWN)];
  return (
    <div className="mt-1 text-xs">
      {before.length > 0 && (
        <details>
          <summary className="cursor-pointer text-ink-2">
            {t('{count} {count|time|times} sent before', { count: before.length })}
          </summary>
          <List told={before} />
        </details>
      )}
      <List told={latest} />
    </div>
  );
}

function List({ told }: { readonly told: readonly Told[] }): ReactElement {
  return (
    <ul aria-label={t('Sent to')}>
      {told.map(({ at, news, to, channel, state, message, text }) => (
        <li key={`${at} ${to} ${channel} ${news}`} className="break-words text-ink-2">
          <When at={at} as="recent" />{' '}
          {to === channel || `operation ${to}` === channel
            ? channel
            : t('{to} by {channel}', { to, channel })}
          {news === 'over' && ` (${t('that it is over')})`}
          {': '}
          {message === undefined ? (
            <span className={DELIVERY_TONES[state]}>{DELIVERY_NAMES[state]}</span>
          ) : (
            <Link
              to="/messages/$id"
              params={{ id: message }}
              className="text-accent hover:underline"
            >
              {DELIVERY_NAMES[state]}
            </Link>
          )}
          {text !== undefined && `: ${serverText(text)}`}
        </li>
      ))}
    </ul>
  );
}
