import { Download } from 'lucide-react';
import type { ReactElement } from 'react';
import { Button } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { saveFile } from '../element/save-file.ts';
import { t } from '../language/translate.ts';

/** New recovery codes, which nobody is shown a second time. */
export function RecoveryCodes({
  codes,
  onKept,
}: {
  readonly codes: readonly string[];
  readonly onKept: () => void;
}): ReactElement {
  const text = `${codes.join('\n')}\n`;
  return (
    <div className="flex flex-col gap-3">
      <p role="status" className="rounded-md bg-warn-soft px-3 py-2">
        {t(
          'Keep these recovery codes where you find them without this device. Each signs you in once instead of a code or passkey. They are not shown again.',
        )}
      </p>
      <ul className="grid grid-cols-2 gap-x-4 gap-y-1 max-sm:grid-cols-1 rounded-md border border-line bg-sunken p-3 font-mono text-sm">
        {codes.map((code) => (
          <li key={code} translate="no">
            {code}
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap items-center gap-2">
        <Button
          onClick={() =>
            saveFile(new Blob([text], { type: 'text/plain' }), 'waybill-recovery-codes.txt')
          }
        >
          <Download size={13} aria-hidden="true" /> {t('Save as a file')}
        </Button>
        <CopyButton text={text} label={t('Copy the codes')} />
        <Button look="primary" className="ml-auto" onClick={onKept}>
          {t('I have kept them')}
        </Button>
      </div>
    </div>
  );
}

/** Another tab was faster: the codes are there, and there is one set. */
export function CodesElsewhere({ onRead }: { readonly onRead: () => void }): ReactElement {
  return (
    <div className="flex flex-col gap-3">
      <p role="status" className="rounded-md bg-warn-soft px-3 py-2">
        {t(
          'It is set up. Another second factor was set up just before, in another tab or browser: the recovery codes that were shown there hold for this one too. If nobody kept them, make new ones.',
        )}
      </p>
      <Button look="primary" className="ml-auto" onClick={onRead}>
        {t('Close')}
      </Button>
    </div>
  );
}
