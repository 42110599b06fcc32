// A form outlives the sign-in it was made under: take the token of a page made now.
// Gives 200 where that went well, 401 where nobody is signed in, else 403.
export async function renewToken() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (answer.redirected) return 401;
  if (!answer.ok || !fresh) return 403;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = fresh;
  return 200;
}
