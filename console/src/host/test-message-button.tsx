import { FlaskConical } from 'lucide-react';
import { lazy, type ReactElement, Suspense, useState } from 'react';
import { Button } from '../element/button.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

const TestMessage = lazy(() =>
  import('./test-message.tsx').then((part) => ({ default: part.TestMessage })),
);

/** Opens the test bench of a host, for who may send messages of their own. */
export function TestMessageButton({ host }: { readonly host: string }): ReactElement | null {
  const may = useMay();
  const [open, setOpen] = useState(false);
  if (!may('message.send_test')) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <FlaskConical size={14} aria-hidden="true" /> {t('Test message')}
      </Button>
      <Suspense>{open && <TestMessage host={host} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}
