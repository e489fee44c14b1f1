import { type ReactElement, type ReactNode, useState } from 'react';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { t } from '../language/translate.ts';
import type { Permission } from '../shell/me.ts';
import { type Act, ActChoice, ORDERS, SENDS, wantedOf } from './acts.tsx';

/** What is filled in before many messages are touched. */
export interface Order {
  readonly act: Act;
  readonly setAct: (act: Act) => void;
  readonly typed: string;
  readonly setTyped: (typed: string) => void;
  /** As many as are wanted at most. */
  readonly most: number;
  readonly reason: string;
  readonly setReason: (reason: string) => void;
}

export function useOrder(first: Act): Order {
  const [act, setAct] = useState(first);
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  return { act, setAct, typed, setTyped, most: wantedOf(typed), reason, setReason };
}

/** What to do, with how many and why; then the order. */
export function OrderForm({
  order: { act, setAct, typed, setTyped, reason, setReason },
  may,
  atMost,
  kept,
  count,
  isBlocked,
  onOrder,
  trial,
  children,
  problem,
}: {
  readonly order: Order;
  readonly may: (permission: Permission) => boolean;
  readonly atMost: { readonly label: string; readonly hint: string; readonly all?: number };
  /** Where the reason is kept. */
  readonly kept: string;
  /** How many messages it would be. */
  readonly count: number;
  readonly isBlocked: boolean;
  readonly onOrder: () => void;
  /** The way to a trial of what is processed again. */
  readonly trial?: ReactNode;
  /** Further fields. */
  readonly children?: ReactNode;
  readonly problem?: ReactNode;
}): ReactElement {
  return (
    <div className="flex flex-col gap-3 rounded-lg border border-line bg-surface p-3">
      <ActChoice act={act} onChange={setAct} may={may} />
      {act === 'reprocess' && (
        <p className="text-xs text-ink-2">
          {t(
            "Each original goes through today's rules and transforms; only what goes to the target is sent, linked to what it replaces.",
          )}
        </p>
      )}
      {act === 'reprocess' && trial}
      <Field
        label={atMost.label}
        inputMode="numeric"
        placeholder={atMost.all === undefined ? undefined : `${atMost.all}`}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        hint={atMost.hint}
      />
      {children}
      <Field
        label={t('Reason')}
        required
        value={reason}
        onChange={({ target }) => setReason(target.value)}
        hint={kept}
      />
      <Button
        look={SENDS.has(act) ? 'primary' : 'danger'}
        className="h-9"
        disabled={count === 0 || reason.trim() === '' || isBlocked}
        onClick={onOrder}
      >
        {ORDERS[act](count)}
      </Button>
      {problem}
    </div>
  );
}
