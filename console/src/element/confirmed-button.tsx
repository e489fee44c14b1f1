import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ComponentProps, type ReactElement, type ReactNode, useState } from 'react';
import { t } from '../language/translate.ts';
import { Button, type ButtonStyle } from './button.tsx';
import { Modal } from './modal.tsx';
import { Problem } from './notice.tsx';

interface Asking<Answer> {
  readonly title: string;
  /** What comes of it, and what cannot be taken back. */
  readonly children: ReactNode;
  /** What the button says that does it. */
  readonly act: string;
  readonly look?: ButtonStyle;
  readonly order: () => Promise<Answer>;
  readonly onDone?: ((answer: Answer) => unknown) | undefined;
  readonly onClose: () => void;
}

/** Asks before what cannot be taken back. It stays open with the reason if that failed. */
export function Confirm<Answer>({
  title,
  children,
  act,
  look = 'danger',
  order,
  onDone,
  onClose,
}: Asking<Answer>): ReactElement {
  const client = useQueryClient();
  const ordered = useMutation({
    mutationFn: order,
    // it may have been done all the same: what is below the dialog says so
    onError: () => void client.invalidateQueries(),
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
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button look={look} disabled={ordered.isPending} onClick={() => ordered.mutate()}>
            {act}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="break-words">{children}</p>
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
