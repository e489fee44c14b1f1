import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ComponentProps, type ReactElement, type ReactNode, useState } from 'react';
import { t } from '../language/translate.ts';
import { Button, type ButtonStyle } from './button.tsx';
import { Field } from './field.tsx';
import { Modal } from './modal.tsx';
import { Problem } from './notice.tsx';

interface Asking<Answer> {
  readonly title: string;
  /** What comes of it, and what cannot be taken back. */
  readonly children: ReactNode;
  /** What the button says that does it. */
  readonly act: string;
  readonly look?: ButtonStyle;
  /** What the other button says, where the act itself is called an abort. */
  readonly cancel?: string;
  /** Whether a reason has to be given, which the order gets. */
  readonly withReason?: boolean;
  readonly order: (reason: string) => Promise<Answer>;
  readonly onDone?: ((answer: Answer) => unknown) | undefined;
  readonly onClose: () => void;
}

/** Asks before what cannot be taken back. It stays open with the reason if that failed. */
export function Confirm<Answer>({
  title,
  children,
  act,
  look = 'danger',
  cancel = t('Cancel'),
  withReason = false,
  order,
  onDone,
  onClose,
}: Asking<Answer>): ReactElement {
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const ordered = useMutation({
    mutationFn: () => order(reason.trim()),
    // also after an error it may have been done: what is below the dialog says so
    onSettled: () => void client.invalidateQueries(),
    onSuccess: (answer) => {
      onDone?.(answer);
      onClose();
    },
  });
  return (
    <Modal
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{cancel}</Button>
          <Button
            look={look}
            disabled={ordered.isPending || (withReason && reason.trim() === '')}
            onClick={() => ordered.mutate()}
          >
            {act}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <div className="break-words">{children}</div>
        {withReason && (
          <Field
            label={t('Reason')}
            required
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
        )}
        {ordered.isError && <Problem error={ordered.error} />}
      </div>
    </Modal>
  );
}

/** A button whose act cannot be taken back: it asks first. */
export function ConfirmedButton<Answer>({
  asks,
  ...button
}: ComponentProps<typeof Button> & {
  readonly asks: Omit<Asking<Answer>, 'onClose'>;
}): ReactElement {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button {...button} onClick={() => setAsking(true)} />
      {isAsking && <Confirm {...asks} onClose={() => setAsking(false)} />}
    </>
  );
}
