import { Check, CircleOff, Minus, OctagonAlert } from 'lucide-react';
import { Fragment, type ReactElement } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';

type Explanation = NonNullable<Message['explain']>;

const RESULTS = {
  fired: { icon: Check, word: t('fired'), style: 'text-good' },
  no: { icon: Minus, word: t('did not match'), style: 'text-ink-3' },
  skipped: { icon: Minus, word: t('not asked: an earlier rule fired'), style: 'text-ink-3' },
  off: { icon: CircleOff, word: t('switched off'), style: 'text-idle' },
  error: { icon: OctagonAlert, word: t('failed'), style: 'text-bad' },
} as const satisfies Record<Explanation['rules'][number]['result'], unknown>;

const OTHERWISE = {
  discard: t('Nothing was sent: discard.'),
  suspend: t('Nothing was sent: suspend.'),
  send: t('Nothing was sent: send.'),
} as const satisfies Record<NonNullable<Explanation['otherwise']>, string>;

/** Why a message went where it went: every rule that was tried, with its condition and result. */
export function RuleExplanation({ explain }: { readonly explain: Explanation }): ReactElement {
  const { rules } = explain;
  const skipped = rules.filter(({ result }) => result === 'skipped');
  return (
    <div className="flex flex-col gap-2 text-xs">
      <p>
        <Sent explain={explain} />
      </p>
      <ol className="flex flex-col">
        {rules
          .filter(({ result }) => result !== 'skipped')
          .map(({ rule, result, when, text }) => {
            const { icon: Icon, word, style } = RESULTS[result];
            return (
              <li
                key={rule}
                className={`flex gap-2 border-t border-line py-1 ${result === 'fired' ? '' : 'text-ink-2'}`}
              >
                <Icon size={14} className={`mt-0.5 shrink-0 ${style}`} aria-hidden="true" />
                <div className="min-w-0">
                  <span className={result === 'fired' ? 'font-medium' : ''}>{rule}</span>{' '}
                  <span className={style}>{word}</span>
                  {when !== undefined && (
                    <code className="block font-mono text-2xs break-words text-ink-2">{when}</code>
                  )}
                  {text !== undefined && (
                    <span className="block break-words text-bad">{serverText(text)}</span>
                  )}
                </div>
              </li>
            );
          })}
      </ol>
      {explain.notes?.map((note) => (
        <p key={note} className="break-words text-ink-2">
          {serverText(note)}
        </p>
      ))}
      {skipped.length > 0 && (
        <details className="text-ink-2">
          <summary>
            {t('{count} {count|rule was|rules were} not asked: an earlier one fired', {
              count: skipped.length,
            })}
          </summary>
          <p className="mt-1">{skipped.map(({ rule }) => rule).join(' · ')}</p>
        </details>
      )}
    </div>
  );
}

/** Where it was sent, and what transformed it on the way there. */
function Sent({ explain: { sent, otherwise } }: { readonly explain: Explanation }): ReactElement {
  if (sent.length === 0)
    return <>{otherwise === undefined ? t('Nothing was sent.') : OTHERWISE[otherwise]}</>;
  return rich('Sent to {hosts}', {
    hosts: sent.map(({ to, transform, rule }, index) => (
      <Fragment key={`${to} ${rule}`}>
        {index > 0 && ', '}
        <strong>{to}</strong>
        {transform !== undefined && (
          <span className="text-ink-2"> {t('by {name} ## a transform', { name: transform })}</span>
        )}
      </Fragment>
    )),
  });
}
