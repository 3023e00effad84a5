/**
 * The mark: a pipe that comes down.
 */

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M7 8h4.5L21 20.5h4.5M7 13.5h2L18.5 26H25" />
    </svg>
  );
}
