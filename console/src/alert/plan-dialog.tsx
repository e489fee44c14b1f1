import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { hosts as hostsQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Checkboxes } from '../element/checkboxes.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Pending, Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { reasonIn, useSpan, Why } from './span.tsx';

const FORM = 'plan-work';
/** More are found by typing. */
const SHOWN = 60;

/** Plans work on hosts or on the whole production: until it ends, nobody is told of what it causes. */
export function PlanDialog({
  chosen: first,
  onClose,
}: {
  readonly chosen: readonly string[];
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const [chosen, setChosen] = useState(first);
  const [whole, setWhole] = useState(false);
  const span = useSpan(2);
  const plan = useMutation({
    mutationFn: (reason: string) =>
      ask('POST /maintenance', {
        body: { hosts: whole ? [] : chosen, reason, ...span.chosen() },
      }),
    async onSuccess() {
      await client.invalidateQueries();
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    plan.mutate(reasonIn(new FormData(event.currentTarget)));
  };
  return (
    <Modal
      title={t('Plan work')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button
            type="submit"
            form={FORM}
            look="primary"
            disabled={plan.isPending || (!whole && chosen.length === 0)}
          >
            {t('Plan it')}
          </Button>
        </>
      }
    >
      <form id={FORM} onSubmit={submit} className="flex flex-col gap-3">
        <Why />
        {span.fields}
        <label className="flex items-center gap-2">
          <input
            type="checkbox"
            checked={whole}
            onChange={({ target }) => setWhole(target.checked)}
          />
          {t('The whole production, with its engines and NATS')}
        </label>
        {!whole && <HostChoice chosen={chosen} onChange={setChosen} />}
        <p className="rounded-md bg-sunken px-3 py-2 text-xs text-ink-2">
          {whole
            ? t(
                'Until then nobody is told of alerts, except of lost messages, full disks, certificates and looks in an emergency. Alerts are still shown here; what is still wrong afterwards is told at once. Messages go on as always.',
              )
            : t(
                'Until then nobody is told that these hosts have no connection or are silent, or that messages wait or fail there. Lost messages and certificates are told all the same. Alerts are still shown here, and what is still wrong afterwards is told at once. Messages go on as always.',
              )}
        </p>
        {plan.isError && <Problem error={plan.error} />}
      </form>
    </Modal>
  );
}

function HostChoice({
  chosen,
  onChange,
}: {
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}): ReactElement {
  const { data, error } = useQuery(hostsQuery);
  const [find, setFind] = useState('');
  if (data === undefined) return <Pending answer={data} error={error} />;
  const wanted = find.trim().toLowerCase();
  const found = data.hosts.filter(({ name, title = '', tags }) =>
    [name, title, ...tags].some((one) => one.toLowerCase().includes(wanted)),
  );
  const shown = found.map(({ name }) => name).slice(0, SHOWN);
  // what is chosen stays in sight
  const names = [...chosen.filter((one) => !shown.includes(one)), ...shown];
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-end gap-2">
        <Field
          label={t('Find hosts by name, title or tag')}
          className="min-w-40 flex-1"
          value={find}
          onChange={({ target }) => setFind(target.value)}
        />
        <Button
          disabled={found.length === 0}
          onClick={() => onChange([...new Set([...chosen, ...found.map(({ name }) => name)])])}
        >
          {t('Choose these {count}', { count: found.length })}
        </Button>
      </div>
      <div className="max-h-48 overflow-auto rounded-md border border-line p-2" tabIndex={-1}>
        <Checkboxes
          legend={t('{count} {count|host|hosts} chosen', { count: chosen.length })}
          options={names.map((name) => [name, name] as const)}
          chosen={chosen}
          onChange={onChange}
          verbatim
        />
      </div>
      {found.length > SHOWN && (
        <p className="text-2xs text-ink-2">
          {t('{count} more: type a part of a name.', { count: found.length - SHOWN })}
        </p>
      )}
    </div>
  );
}
