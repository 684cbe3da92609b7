-- wrk -s post.lua URL: every request posts iris.csv (run wrk in this directory).
wrk.method = "POST"
wrk.headers["Content-Type"] = "text/csv"
wrk.body = assert(io.open("iris.csv")):read("*a")
