-- One annotator a thread, one connection a thread: claims, then submits and gets the next task, as the page does.
-- Arguments: file of "cookie<TAB>csrf token" lines; queue id; mean pause between loops in ms (0: none).
local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   local wanted = 0
   for line in io.lines(args[1]) do
      if wanted == number then cookie, token = line:match("^(.-)\t(.*)$") end
      wanted = wanted + 1
   end
   queue, pause = args[2], tonumber(args[3])
   math.randomseed(number + 1)
   odd = 0
   headers = {
      ["Cookie"] = cookie, ["X-CSRFToken"] = token, ["HX-Request"] = "true",
      ["Content-Type"] = "application/x-www-form-urlencoded", ["Referer"] = "http://127.0.0.1/",
   }
end

function delay()
   return pause > 0 and math.floor(pause * (0.5 + math.random())) or 0
end

function request()
   if not place then  -- the start: the button, then the page it leads to
      local path = "/queues/" .. queue .. "/work/"
      if claimed then return wrk.format("GET", path, headers) end
      return wrk.format("POST", path, headers, "")
   end
   local ranks = {}
   for n, letter in ipairs({"a", "b", "c", "d"}) do ranks[n] = "ranks." .. letter .. "=" .. math.random(4) end
   local body = "fence=" .. fence .. "&key=" .. key .. "&active_seconds=7.5&" .. table.concat(ranks, "&")
   return wrk.format("POST", "/assignments/" .. place .. "/submit/", headers, body)
end

function response(status, _, body)
   if status == 303 and not place then
      claimed = true
      return
   end
   claimed = false
   place = body:match('action="/assignments/(%d+)/submit/"')
   fence = body:match('name="fence" value="(%d+)"')
   key = body:match('name="key" value="([%x-]+)"')
   if status ~= 200 or not place or not fence or not key then
      odd = odd + 1
      place = nil
      if odd < 3 then io.stderr:write("status ", status, ": ", body:match("<strong>(.-)</strong>") or body:sub(1, 300), "\n") end
   end
end

function done(summary, latency)
   io.write(string.format(
      "RESULT requests=%d us=%d p50=%d p95=%d p99=%d bad=%d socket=%d bytes=%d\n", summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(95), latency:percentile(99), summary.errors.status,
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, summary.bytes))
end
