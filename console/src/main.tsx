import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { answers } from './api/answers.ts';
import { router } from './router.tsx';
import { keepShell } from './shell/keep-shell.ts';
import './styles.css';

const root = document.getElementById('console');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={answers}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
keepShell();
document.addEventListener(
  'keydown',
  ({ target }) => {
    import('./shell/keep-focus.ts')
      .then(({ keepFocus }) => keepFocus(target))
      // gone with an upgrade: the focus is then where the browser puts it
      .catch(() => undefined);
  },
  { once: true },
);
