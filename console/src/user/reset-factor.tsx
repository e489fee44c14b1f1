import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

/** Removes somebody's second factors, for when the device is lost. */
export function ResetFactor({
  name,
  onClose,
}: {
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  const reset = useMutation({
    mutationFn: () => ask('DELETE /users/{name}/second-factor', { path: { name } }),
    onSuccess: onClose,
  });
  return (
    <Modal
      title={t('Reset the second factor of {name}', { name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button look="danger" disabled={reset.isPending} onClick={() => reset.mutate()}>
            {t('Reset')}
          </Button>
        </>
      }
    >
      <p>
        {t(
          'App, passkeys and recovery codes of {name} are removed, and {name} is signed out everywhere, also programs with a token of theirs. Until another one is set up, the password alone is enough: make sure that it is {name} who asks.',
          { name },
        )}
      </p>
      {reset.isError && <Problem error={reset.error} />}
    </Modal>
  );
}
