// A form outlives the sign-in it was made under: take the token of a page made now.
// Gives 200 where that went well, 401 where nobody is signed in, 0 where nobody answers, else 403.
import { ask } from "./post.js";

export async function renewToken() {
  const answer = await ask(location.href, { headers: { Accept: "text/html" } });
  if (!answer) return 0;
  if (answer.redirected) return 401;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.body.dataset.user !== document.body.dataset.user) return location.reload(); // somebody else is signed in
  const fresh = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!answer.ok || !fresh) return 403;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = fresh;
  return 200;
}
