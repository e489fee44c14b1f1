import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useState } from 'react';
import type { CheckReport } from '../../../src/api/contract/files.ts';
import { ask } from '../api/client.ts';
import type { Edit, Edits } from '../edit/edits.ts';
import { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { CheckResult } from './check-result.tsx';
import { EditTrial } from './edit-trial.tsx';

/** Milliseconds after the last key press before the text is checked. */
const TYPED = 500;

/** Changes that have not been sent yet: the result of the check, and what can be done with them. */
export function ChangeBar({
  edits,
  onApplied,
}: {
  readonly edits: Edits;
  readonly onApplied: (reason: string) => void;
}): ReactElement {
  const may = useMay();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const [tests, setTests] = useState(false);
  const [trial, setTrial] = useState<string | undefined>(undefined);
  const settled = useSettled(edits.all);
  const check = useQuery({
    queryKey: ['check', settled, tests],
    queryFn: ({ signal }) =>
      ask('POST /production/files/check', { body: { edits: settled, tests }, signal }),
    refetchOnWindowFocus: false,
    gcTime: 0,
    placeholderData: (before) => before,
  });
  const { data: drafts } = useQuery(draftsQuery);
  const propose = useMutation({
    mutationFn: async (apply: boolean) => {
      // the trial counts only if it was of exactly these files
      const body = { edits: edits.all, reason: reason.trim(), trial };
      const draft = await ask('POST /production/drafts', { body });
      if (apply)
        await ask('POST /production/drafts/{id}/apply', { path: { id: draft.id }, body: {} });
    },
    onSuccess: (_done, applied) => {
      edits.clear();
      if (applied) onApplied(reason.trim());
    },
    onSettled: () => client.invalidateQueries(),
  });
  const isChecked = settled === edits.all && !check.isFetching;
  const isWrong = hasErrors(check.data);
  const isBlocked = propose.isPending || reason.trim() === '' || !isChecked || isWrong;
  return (
    <Panel
      title={t('{count} {count|file|files} changed, not applied', { count: edits.all.length })}
      actions={
        <ConfirmedButton
          look="quiet"
          asks={{
            title: t('Throw the changes away'),
            children: t('What was changed in {paths} is lost.', {
              paths: edits.all.map(({ path }) => path).join(', '),
            }),
            act: t('Throw them away'),
            order: async () => edits.clear(),
          }}
        >
          {t('Throw the changes away')}
        </ConfirmedButton>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-xs" role="status">
          <span className="font-mono" translate="no">
            {edits.all.map(({ path }) => path).join(', ')}
          </span>
          {': '}
          {!isChecked
            ? t('being checked…')
            : isWrong
              ? t('the check finds mistakes')
              : t('the check finds no mistake')}
        </p>
        {check.isError && <Problem error={check.error} />}
        {check.data !== undefined && <CheckResult report={check.data} />}
        {isChecked && !isWrong && (
          <EditTrial files={{ edits: settled }} place="edits" onRun={setTrial} />
        )}
        <div className="flex flex-wrap items-end gap-3">
          <Field
            label={t('Reason')}
            required
            className="w-80"
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
          <Button onClick={() => setTests(true)} disabled={tests}>
            {t('Run the test cases')}
          </Button>
          {drafts?.approval === false && may('config.deploy') && (
            <Button look="primary" disabled={isBlocked} onClick={() => propose.mutate(true)}>
              {t('Apply')}
            </Button>
          )}
          <Button
            look={drafts?.approval === true ? 'primary' : 'plain'}
            disabled={isBlocked}
            onClick={() => propose.mutate(false)}
          >
            {t('Propose')}
          </Button>
        </div>
        {propose.isError && <Problem error={propose.error} />}
      </div>
    </Panel>
  );
}

export const draftsQuery = {
  queryKey: ['drafts'],
  queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
    ask('GET /production/drafts', { signal }),
} as const;

const hasErrors = (report: CheckReport | undefined): boolean =>
  report?.problems.some(({ severity }) => severity === 'error') ?? true;

/** The typed text, once typing has paused for a moment. */
function useSettled(all: readonly Edit[]): readonly Edit[] {
  const [settled, setSettled] = useState(all);
  useEffect(() => {
    const late = setTimeout(() => setSettled(all), TYPED);
    return () => clearTimeout(late);
  }, [all]);
  return settled;
}
