import { CircleAlert, TriangleAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Alert } from '../../../src/api/contract/alert.ts';
import { LEVEL_NAMES } from '../element/names.ts';
import { Nothing } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { LinkIn, Missing, useGathered } from './gathered.tsx';
import type { Of } from './merged.ts';
import { alertsOf } from './queries.ts';

/** What is wrong anywhere, newest first, each with its production, where it is dealt with. */
export function AllAlerts({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, alertsOf, ({ alerts }) => alerts);
  const alerts = found.items.toSorted((a, b) => b.item.first - a.item.first);
  return (
    <>
      <Missing missing={found.missing} />
      {alerts.length === 0 && found.open === 0 && (
        <Nothing>{t('No alert is open in the productions that answer.')}</Nothing>
      )}
      <ul className="flex flex-col gap-2" aria-label={t('Alerts')}>
        {alerts.map((one) => (
          <Row key={`${one.production} ${one.item.id}`} {...one} />
        ))}
      </ul>
    </>
  );
}

function Row({ production, item }: Of<Alert>): ReactElement {
  const { level, text, host, first, owner } = item;
  const Icon = level === 'error' ? CircleAlert : TriangleAlert;
  return (
    <li className="flex items-start gap-3 rounded-lg border border-line bg-surface px-3 py-2">
      <Icon
        size={18}
        className={`mt-0.5 shrink-0 ${level === 'error' ? 'text-bad' : 'text-warn'}`}
        aria-hidden="true"
      />
      <div className="min-w-0">
        <p className="font-medium break-words">
          <span className="sr-only">{LEVEL_NAMES[level]}: </span>
          {serverText(text)}
        </p>
        <p className="flex flex-wrap gap-x-3 text-xs text-ink-2">
          <LinkIn production={production} path="alerts">
            {production}
          </LinkIn>
          {host !== undefined && (
            <LinkIn production={production} path={`hosts/${encodeURIComponent(host)}`}>
              {host}
            </LinkIn>
          )}
          <span>{rich('since {time}', { time: <When at={first} as="second" /> })}</span>
          {owner !== undefined && <span>{t('taken on by {owner}', { owner })}</span>}
        </p>
      </div>
    </li>
  );
}
