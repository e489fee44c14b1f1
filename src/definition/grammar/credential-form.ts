import { credentialKinds } from '../../credential/kind/credential-kinds.ts';
import { raw } from '../form/form.ts';
import { variantSchema } from '../form/variant-schema.ts';

/** One entry under `credentials`. Each kind is declared in src/credential, where it is also read. */
export const credentialForm = raw(() =>
  variantSchema(
    'kind',
    'What kind of credential it is.',
    Object.fromEntries(
      Object.entries(credentialKinds).map(([kind, { settings }]) => [kind, settings]),
    ),
  ),
);
