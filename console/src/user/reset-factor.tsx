import type { ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { Confirm } from '../element/confirmed-button.tsx';
import { t } from '../language/translate.ts';

/** Removes somebody's second factors, for when the device is lost. */
export function ResetFactor({
  name,
  onClose,
}: {
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Confirm
      title={t('Reset the second factor of {name}', { name })}
      act={t('Reset')}
      order={() => ask('DELETE /users/{name}/second-factor', { path: { name } })}
      onClose={onClose}
    >
      {t(
        'App, passkeys and recovery codes of {name} are removed, and {name} is signed out everywhere, also programs with a token of theirs. Until another one is set up, the password alone is enough: make sure that it is {name} who asks.',
        { name },
      )}
    </Confirm>
  );
}
