import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, useState } from 'react';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

/** Milliseconds between two looks at what is kept. */
export const REFRESH = 10_000;

/** A key as far as it may be seen; there may be none. */
export function KeyText({ text }: { readonly text: string }): ReactElement {
  if (text === '') return <span className="text-xs text-ink-2">{t('all together')}</span>;
  return (
    <span className="font-mono text-xs break-all" translate="no">
      {text}
    </span>
  );
}

interface OrderProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly act: string;
  readonly look: 'primary' | 'danger';
  readonly order: (reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}

/** One act with its reason, and what comes of it. */
export function OrderDialog({
  title,
  children,
  act,
  look,
  order,
  onClose,
}: OrderProps): ReactElement {
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const ordered = useMutation({
    mutationFn: () => order(reason.trim()),
    onSuccess: async () => {
      await client.invalidateQueries();
      onClose();
    },
  });
  return (
    <Modal
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button
            look={look}
            disabled={ordered.isPending || reason.trim() === ''}
            onClick={() => ordered.mutate()}
          >
            {act}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-ink-2">{children}</p>
        <Field
          label={t('Reason')}
          required
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        {ordered.isError && <Problem error={ordered.error} />}
      </div>
    </Modal>
  );
}

/** The name of a value, which only phones show: their rows have no heads. */
export const PhoneName = ({ name }: { readonly name: string }): ReactElement => (
  <span className="font-sans text-ink-2 md:hidden">{name}: </span>
);
