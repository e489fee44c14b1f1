import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Session } from '../../../src/api/contract/message.ts';
import { failureText } from '../element/failure-text.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { RuleExplanation } from './rule-explanation.tsx';

type Past = Session['past'][number];

/** How a message had ended before a person resent or discarded it; kept as evidence. */
export function PastOutcomes({
  id,
  past,
}: {
  readonly id: number;
  readonly past: readonly Past[];
}): ReactElement | null {
  const own = past.filter(({ messageId }) => messageId === id);
  if (own.length === 0) return null;
  return (
    <section className="rounded-md border border-line px-3 py-2 text-xs">
      <h2 className="mb-1">{t('Before')}</h2>
      <ul className="flex flex-col gap-2">
        {own.map((one) => (
          <Outcome key={`${one.done}-${one.status}`} past={one} />
        ))}
      </ul>
    </section>
  );
}

function Outcome({
  past: { status, done, error, reply, explain, warning, by },
}: {
  readonly past: Past;
}): ReactElement {
  const answer = [reply?.code, reply?.text].filter(Boolean).join(' · ');
  return (
    <li>
      <p className="flex flex-wrap items-center gap-x-2">
        <StatusBadge status={status} />
        <span className="font-mono">
          <When at={done} />
        </span>
        {by !== undefined && <span className="text-ink-2">{t('by {name}', { name: by })}</span>}
      </p>
      {error !== undefined && (
        <p className="mt-0.5 break-words">
          {failureText(error)} <span className="font-mono text-ink-2">{error.code}</span>
        </p>
      )}
      {answer !== '' && (error === undefined || reply?.text !== error.said) && (
        <p className="mt-0.5 break-words">{t('Reply: {answer}', { answer })}</p>
      )}
      {warning !== undefined && <p className="mt-0.5 break-words">{serverText(warning)}</p>}
      {explain !== undefined && (
        <details className="mt-1">
          <summary className="text-ink-2">{t('Why it went there')}</summary>
          <RuleExplanation explain={explain} />
        </details>
      )}
    </li>
  );
}

/** The reply that a message had received before a person ended it. */
export const pastReplyOf = (id: number, session: Session | undefined): Past['reply'] =>
  session?.past.findLast(({ messageId, reply }) => messageId === id && reply?.hasBody === true)
    ?.reply;

/** What replaces a message: the new ones made from it. */
export function ReplacedBy({
  id,
  resends,
}: {
  readonly id: number;
  readonly resends: Session['resends'];
}): ReactElement | null {
  const own = resends.filter(({ of }) => of === id);
  if (own.length === 0) return null;
  return (
    <p className="flex flex-wrap gap-x-2 text-xs">
      <span className="text-ink-2">{t('Replaced by')}</span>
      {own.map((one) => (
        <Link
          key={one.id}
          to="/messages/$id"
          params={{ id: one.id }}
          className="font-mono text-accent hover:underline"
        >
          {one.id}
        </Link>
      ))}
    </p>
  );
}
