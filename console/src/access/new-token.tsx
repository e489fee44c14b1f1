import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Checkboxes } from '../element/checkboxes.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { me, useMay } from '../shell/me.ts';

const DAYS = 90;

/** Makes a token of one's own, or of a local user; it may do what is chosen, of what its user may. */
export function NewToken({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (token: string) => void;
}): ReactElement {
  const may = useMay();
  const { data: person } = useQuery(me);
  const own = person?.permissions ?? [];
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const make = useMutation({
    mutationFn: (body: object) => ask<{ readonly token: string }>('tokens', { body }),
    onSuccess: ({ token }) => onMade(token),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => ((form.get(name) ?? '') as string).trim();
    make.mutate({
      label: text('label'),
      days: Number(text('days')),
      permissions: chosen,
      ...(text('user') === '' ? {} : { user: text('user') }),
    });
  };
  return (
    <Modal title={t('Make a token')} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Field label={t('What for')} name="label" required maxLength={100} autoComplete="off" />
        <div className="grid grid-cols-2 gap-3">
          <Field
            label={t('Valid, days')}
            name="days"
            type="number"
            min={1}
            max={3_650}
            required
            defaultValue={DAYS}
          />
          {may('user.manage') && (
            <Field
              label={t('Acts as')}
              name="user"
              placeholder={person?.name}
              autoComplete="off"
              hint={t('a local user')}
            />
          )}
        </div>
        <Checkboxes
          legend={t('May do, of what its user may')}
          options={own.map((permission) => [permission, permission])}
          chosen={chosen}
          onChange={setChosen}
          verbatim
        />
        {make.isError && <Problem error={make.error} />}
        <Button type="submit" look="primary" disabled={make.isPending || chosen.length === 0}>
          {t('Make it')}
        </Button>
      </form>
    </Modal>
  );
}
